//! The outside world, recorded: what was handed to mail and webhooks, and how they behave.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use connectors::{Connector, Connectors, Destination, Notice, NoticeCard, Page, Receipt, SendError, Sns};
use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Notify;

/// One page that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The idempotency key: the page's id.
    pub(crate) key: String,
    /// The mail address or the webhook's URL.
    pub(crate) to: String,
    /// The incident's id.
    pub(crate) incident: String,
    /// The incident's title.
    pub(crate) title: String,
    /// The level that was paged.
    pub(crate) level: u32,
    /// Why this person.
    pub(crate) reason: String,
    /// Which attempt.
    pub(crate) attempt: u32,
}

/// One notice that was handed over.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The idempotency key: the notice's id.
    pub(crate) key: String,
    /// The mail address or the webhook's URL.
    pub(crate) to: String,
    /// What it says.
    pub(crate) card: NoticeCard,
    /// Which attempt.
    pub(crate) attempt: u32,
}

/// A recorder that stands in for every provider.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<State>);

#[derive(Default)]
struct State {
    sent: Mutex<Vec<Sent>>,
    told: Mutex<Vec<Told>>,
    /// Answers to give to a destination before it works again.
    failures: Mutex<HashMap<String, Vec<SendError>>>,
    /// Destinations that do not answer, and who waits for them.
    hanging: Mutex<HashMap<String, Arc<Notify>>>,
    /// Who judges Amazon's messages; none: nobody who could fetch anything.
    sns: Option<Sns>,
}

impl Outbox {
    /// One beside which Amazon's messages are judged like this.
    pub(crate) fn beside(sns: Sns) -> Self {
        Self(Arc::new(State { sns: Some(sns), ..State::default() }))
    }

    /// Connectors that record here.
    pub(crate) fn connectors(&self) -> Connectors {
        let connectors = Connectors::from_parts(
            Arc::new(Recorder(self.clone(), "smtp")),
            Arc::new(Recorder(self.clone(), "webhook")),
        );
        self.0.sns.iter().cloned().fold(connectors, Connectors::with_sns)
    }

    /// Everything that was handed over and taken, oldest first.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        lock(&self.0.sent).clone()
    }

    /// What one address got.
    pub(crate) fn sent_to(&self, to: &str) -> Vec<Sent> {
        self.sent().into_iter().filter(|sent| sent.to == to).collect()
    }

    /// Every notice that was handed over and taken, oldest first.
    pub(crate) fn told(&self) -> Vec<Told> {
        lock(&self.0.told).clone()
    }

    /// What one address was told.
    pub(crate) fn told_to(&self, to: &str) -> Vec<Told> {
        self.told().into_iter().filter(|told| told.to == to).collect()
    }

    /// The next attempts to reach `to` fail like this.
    pub(crate) fn fail(&self, to: &str, errors: Vec<SendError>) {
        lock(&self.0.failures).entry(to.to_owned()).or_default().extend(errors);
    }

    /// Attempts to reach `to` hang until the returned handle is notified.
    pub(crate) fn hang(&self, to: &str) -> Arc<Notify> {
        Arc::clone(lock(&self.0.hanging).entry(to.to_owned()).or_default())
    }

    /// A destination answers again, also those who wait for it.
    pub(crate) fn release(&self, to: &str) {
        let hanging = lock(&self.0.hanging).remove(to);
        hanging.iter().for_each(|hanging| hanging.notify_waiters());
    }

    /// Where something goes, once that destination has behaved as it was told to.
    async fn reach(&self, to: &Destination) -> Result<String, SendError> {
        let to = match to {
            Destination::Email { address } => address.clone(),
            Destination::Webhook { url, .. } => url.clone(),
        };
        let hanging = lock(&self.0.hanging).get(&to).cloned();
        if let Some(hanging) = hanging {
            hanging.notified().await;
        }
        let failure =
            lock(&self.0.failures).get_mut(&to).filter(|all| !all.is_empty()).map(|all| all.remove(0));
        failure.map_or(Ok(to), Err)
    }

    async fn tell(&self, provider: &'static str, notice: &Notice) -> Result<Receipt, SendError> {
        let to = self.reach(&notice.to).await?;
        let (key, card, attempt) = (notice.key.clone(), notice.card.clone(), notice.attempt);
        lock(&self.0.told).push(Told { key, to, card, attempt });
        Ok(Receipt { provider, reference: Some("recorded".to_owned()) })
    }

    async fn hand_over(&self, provider: &'static str, page: &Page) -> Result<Receipt, SendError> {
        let to = self.reach(&page.to).await?;
        lock(&self.0.sent).push(Sent {
            key: page.key.clone(),
            to,
            incident: page.incident.id.clone(),
            title: page.incident.title.clone(),
            level: page.incident.level,
            reason: page.incident.reason.clone(),
            attempt: page.attempt,
        });
        Ok(Receipt { provider, reference: Some("recorded".to_owned()) })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Recorder(Outbox, &'static str);

impl Connector for Recorder {
    fn name(&self) -> &'static str {
        self.1
    }

    fn send<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Receipt, SendError>> {
        self.0.hand_over(self.1, page).boxed()
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<Receipt, SendError>> {
        self.0.tell(self.1, notice).boxed()
    }
}
