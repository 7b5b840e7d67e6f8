//! Whether this node can do its work.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::OrganizationId;
use serde_json::{Value, json};

use crate::App;

/// How long the database may take to answer a question about nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Events that the read models may be behind before this node counts as not ready.
const MAX_LAG: u64 = 100_000;

/// What the process knows about itself.
#[derive(Debug, Default)]
pub struct Health {
    leads: AtomicBool,
    mail: AtomicBool,
    fault: Mutex<Option<String>>,
}

impl Health {
    /// Says whether this node projects and reacts, or only answers.
    pub fn set_leading(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    /// Whether this node projects and reacts.
    pub fn leads(&self) -> bool {
        self.leads.load(Ordering::Relaxed)
    }

    /// Says whether mail can be sent.
    pub fn set_mail(&self, configured: bool) {
        self.mail.store(configured, Ordering::Relaxed);
    }

    /// Says what broke for good.
    pub fn set_fault(&self, fault: impl Into<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.into());
    }

    fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers 200 if webhooks can be kept and the read models follow, and 503 with the reason otherwise.
pub(super) async fn ready(app: &App, health: &Health) -> Response {
    let store = app.engine.store();
    let nothing = OrganizationId::THIS.stream();
    let store_check = match tokio::time::timeout(PATIENCE, store.load(&nothing, u64::from(u32::MAX))).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(fault)) => Err(fault.to_string()),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    };
    let (head, folded) = (store.head(), app.reads.position());
    let lag = head.saturating_sub(folded);
    let reads_check = match app.reads.fault() {
        Some(fault) => Err(fault.to_string()),
        None if lag > MAX_LAG => Err(format!("{lag} events behind")),
        None => Ok(()),
    };
    let process_check = health.fault().map_or(Ok(()), Err);
    let ok =
        store_check.is_ok() && reads_check.is_ok() && process_check.is_ok() && !app.shutdown.is_cancelled();
    let body = json!({
        "ready": ok,
        "checks": {
            "store": check(&store_check, json!({"head": head.to_string()})),
            "readModels": check(&reads_check, json!({"position": folded.to_string(), "lag": lag})),
            "process": check(&process_check, json!({
                "leader": health.leads(), "stopping": app.shutdown.is_cancelled()
            })),
            "clock": check(&Ok(()), overdue(app).await),
            "timeZoneData": {"ok": true, "version": app.directory.now().zones.version()},
            "connectors": {"mail": if health.mail.load(Ordering::Relaxed) { "configured" } else { "not configured" },
                "webhook": "configured"},
        },
    });
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

fn check(outcome: &Result<(), String>, mut facts: Value) -> Value {
    facts["ok"] = outcome.is_ok().into();
    if let Err(why) = outcome {
        facts["why"] = why.as_str().into();
    }
    facts
}

/// How late the earliest escalation is: a clock that runs keeps this near zero.
async fn overdue(app: &App) -> Value {
    match tokio::time::timeout(PATIENCE, app.reads.next_escalation()).await {
        Ok(Ok(Some(due))) => {
            json!({"nextEscalationAt": due, "overdueSeconds": app.engine.now().since(due).as_secs()})
        }
        Ok(Ok(None)) => json!({"nextEscalationAt": null, "overdueSeconds": 0}),
        Ok(Err(_)) | Err(_) => json!({"nextEscalationAt": null, "overdueSeconds": null}),
    }
}
