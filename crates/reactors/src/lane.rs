//! Lanes: one queue per channel and provider, so that a slow one delays no other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::user::ContactMethod;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Jobs under way with the provider at once in one lane.
const WIDTH: usize = 64;
/// Notices under way with a provider at once: few, so that most of the conversations with a mail relay are left to pages.
pub(crate) const NOTICES: usize = 2;
/// Pages under way with the mail relay at once. With the notices there are as many as it has conversations: one more would
/// wait for its own after it was seen to be still wanted, and might begin after an acknowledgement.
const MAILS: usize = connectors::MAX_MAILS - NOTICES;
/// The lane of mail.
const MAIL: &str = "email";
/// How many times its width a lane has under way, those included with which the provider is done and which are still
/// written down. After a crash these are sent again; with fewer, a storm that fills the log keeps pages from providers.
const WRITING: usize = 32;
/// Jobs that one lane holds in memory; beyond that they wait where they came from.
const LENGTH: usize = 2048;
/// Lanes kept open; one per webhook host.
const LANES: usize = 512;

/// What is done with a job. Its place is let go as soon as the provider is done with it: what is still to be written down
/// then keeps nobody from the provider.
type Work<J> = Arc<dyn Fn(J, Place) -> BoxFuture<'static, ()> + Send + Sync>;

/// One of the places at a provider; free again when dropped.
pub(crate) struct Place(#[expect(dead_code, reason = "it is kept to be dropped")] OwnedSemaphorePermit);

/// How much a lane takes.
#[derive(Clone, Copy)]
pub(crate) struct Breadth {
    /// Jobs under way with the provider at once.
    pub(crate) width: usize,
    /// The same with the mail relay.
    pub(crate) mails: usize,
    /// Jobs that it holds in memory; beyond that they wait where they came from.
    pub(crate) length: usize,
}

/// Queues by name. A lane opens when something is put on it.
pub(crate) struct Lanes<J> {
    breadth: Breadth,
    work: Work<J>,
    open: Mutex<HashMap<Arc<str>, mpsc::Sender<J>>>,
}

impl<J: Send + 'static> Lanes<J> {
    /// Lanes that take what pages need.
    pub(crate) fn new(work: Work<J>) -> Self {
        Self::of_breadth(Breadth { width: WIDTH, mails: MAILS, length: LENGTH }, work)
    }

    /// Lanes that take so much.
    pub(crate) fn of_breadth(breadth: Breadth, work: Work<J>) -> Self {
        Self { breadth, work, open: Mutex::new(HashMap::new()) }
    }

    /// Puts a job on a lane. A job that finds no place is dropped, and the answer is no.
    pub(crate) fn put(&self, lane: &Arc<str>, job: J) -> bool {
        let mut open = self.lock();
        if open.len() >= LANES && !open.contains_key(lane) {
            // An idle lane ends once its queue cannot be reached; a busy one stays.
            open.retain(|_, queue| queue.capacity() < self.breadth.length);
        }
        let Breadth { width, mails, length } = self.breadth;
        let width = if **lane == *MAIL { mails } else { width };
        let serve = || serve(width, length, Arc::clone(&self.work));
        open.entry(Arc::clone(lane)).or_insert_with(serve).try_send(job).is_ok()
    }

    /// Whether a lane has no place.
    pub(crate) fn is_full(&self, lane: &str) -> bool {
        self.lock().get(lane).is_some_and(|queue| queue.capacity() == 0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, mpsc::Sender<J>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane of a contact method; of one that is no more, too.
pub(crate) fn lane_to(method: Option<&ContactMethod>) -> Arc<str> {
    match method {
        Some(ContactMethod::Webhook { url, .. }) => {
            connectors::lane(&connectors::Destination::Webhook { url: url.clone(), secrets: vec![] }).into()
        }
        Some(ContactMethod::Email { .. }) => MAIL.into(),
        None => "gone".into(),
    }
}

fn serve<J: Send + 'static>(width: usize, length: usize, work: Work<J>) -> mpsc::Sender<J> {
    let (queue, mut jobs) = mpsc::channel::<J>(length);
    tokio::spawn(async move {
        let (places, taken) = (Arc::new(Semaphore::new(width)), Arc::new(Semaphore::new(width * WRITING)));
        while let Some(job) = jobs.recv().await {
            let Ok(here) = Arc::clone(&taken).acquire_owned().await else { return };
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let working = work(job, Place(place));
            tokio::spawn(async move {
                working.await;
                drop(here);
            });
        }
    });
    queue
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_stuck_lane_fills_up_and_delays_no_other() {
        let (done, seen) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (stuck, told) = (Arc::clone(&done), Arc::clone(&seen));
        let lanes = Lanes::new(Arc::new(move |is_stuck: bool, place| {
            let (stuck, told) = (Arc::clone(&stuck), Arc::clone(&told));
            async move {
                let _place = place;
                if is_stuck { stuck.notified().await } else { told.notify_one() }
            }
            .boxed()
        }));
        let taken = (0..LENGTH * 2).filter(|_| lanes.put(&"stuck".into(), true)).count();
        assert!((LENGTH..LENGTH + WIDTH + 2).contains(&taken), "{taken}");
        assert!(lanes.is_full("stuck") && !lanes.is_full("other"));
        assert!(lanes.put(&"other".into(), false));
        seen.notified().await;
    }

    #[tokio::test]
    async fn what_the_provider_is_done_with_takes_no_place_and_yet_has_an_end() {
        let (breadth, count) = (Breadth { width: 1, mails: 1, length: 50 }, Arc::new(AtomicUsize::new(0)));
        let (at_provider, written) = (Arc::clone(&count), Arc::new(Semaphore::new(0)));
        let writing = Arc::clone(&written);
        let lanes = Lanes::of_breadth(
            breadth,
            Arc::new(move |(), place| {
                let (at_provider, writing) = (Arc::clone(&at_provider), Arc::clone(&writing));
                async move {
                    at_provider.fetch_add(1, Ordering::Relaxed);
                    drop(place);
                    writing.acquire().await.expect("open").forget();
                }
                .boxed()
            }),
        );
        let calm = async || {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        };
        for _ in 0..50 {
            lanes.put(&"one".into(), ());
            calm().await;
        }
        assert_eq!(count.load(Ordering::Relaxed), WRITING);
        written.add_permits(1);
        calm().await;
        assert_eq!(count.load(Ordering::Relaxed), WRITING + 1);
    }
}
