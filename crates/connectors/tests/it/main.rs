//! The connectors against servers that misbehave, on loopback.

mod http_server;
mod mail;
mod smtp_server;
mod sns;
mod webhook;

use connectors::{Destination, IncidentCard, Page};

fn page(to: Destination) -> Page {
    Page {
        key: "pag_0123456789abcdef".to_owned(),
        attempt: 1,
        requested_at_unix: 1_614_265_330,
        at_unix: 1_614_265_390,
        to,
        incident: IncidentCard {
            id: "inc_0123456789abcdef".to_owned(),
            title: "disk full".to_owned(),
            severity: "critical".to_owned(),
            status: "triggered".to_owned(),
            service: "Checkout".to_owned(),
            team: None,
            level: 1,
            cycle: 1,
            url: "https://midwatch.example.org/incidents/inc_0123456789abcdef".to_owned(),
            opened_at: "2021-02-25T15:02:10Z".to_owned(),
            details: Some("a line\n.\n..dots\n".to_owned()),
            reason: "on call in Primary".to_owned(),
            recipient: "Ada Lovelace".to_owned(),
        },
    }
}
