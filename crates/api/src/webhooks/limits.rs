//! Whether an integration may send a message now, and the trace of what came beyond that.

use commands::Directory;
use domain::{IntegrationId, integration::Entrance};
use metrics::counter;

use super::{
    rates::{Rates, Standing},
    refusals::{Refusals, Sort},
};
use crate::App;

/// What integrations took, and what was refused to them.
pub(super) struct Limits {
    rates: Rates,
    refused: Refusals,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rates: Rates::default(), refused: Refusals::of(Sort::Limited) }
    }
}

impl Limits {
    /// How an integration stands before a message of it is proven. Takes no room: whoever knows the key alone could
    /// otherwise keep out who also knows the secret. Leaves a trace if there is no room.
    pub(super) async fn look(
        &self,
        app: &App,
        directory: &Directory,
        id: IntegrationId,
        entrance: &Entrance,
    ) -> Standing {
        let standing = self.rates.look(id, entrance.rate_limit(), app.engine.now());
        self.note(app, directory, (id, entrance), standing).await
    }

    /// Takes room for a message that is proven, or leaves a trace of it.
    pub(super) async fn take(
        &self,
        app: &App,
        directory: &Directory,
        id: IntegrationId,
        entrance: &Entrance,
    ) -> Standing {
        let standing = self.rates.take(id, entrance.rate_limit(), app.engine.now());
        self.note(app, directory, (id, entrance), standing).await
    }

    async fn note(
        &self,
        app: &App,
        directory: &Directory,
        (id, entrance): (IntegrationId, &Entrance),
        standing: Standing,
    ) -> Standing {
        if standing.is_over() {
            counter!("midwatch_webhook_limited_total", "format" => entrance.kind.word()).increment(1);
            let known = directory.integrations.get(&id).map(|known| &**known);
            self.refused.note(&app.engine, id, known, String::new()).await;
        }
        standing
    }
}
