//! The demo: a small living system, made by ordinary commands, and a phone that rings in the browser.
//!
//! Every id and every command id is derived from a name, so that starting again adds nothing.

mod incidents;
mod people;
mod phone;
mod record;
mod services;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, Result};
use api::App;
use axum::Router;
use connectors::Secret;
use tokio::task::JoinHandle;

use record::Recorder;

/// The demo of a running node.
#[derive(Debug)]
pub struct Demo {
    url: String,
    incidents: JoinHandle<()>,
}

impl Demo {
    /// An invitation to try it, with the token of this run.
    pub fn invitation(&self, token: &str) -> String {
        let Self { url, .. } = self;
        let key = services::CURL_KEY;
        format!(
            "\n  Midwatch demo\n\n    \
             Phone   {url}/demo/phone   (open it, switch it on)\n    \
             Server  {url}/\n    \
             Token   {token}\n\n  \
             Ring the phone:\n\n    \
             curl {url}/hooks/generic/{key} -d '{{\"title\":\"Checkout is down\",\"severity\":\"critical\"}}'\n\n"
        )
    }

    /// Waits until all incidents are made.
    pub async fn complete(&mut self) {
        // Whoever asks twice is told at once.
        if !self.incidents.is_finished() {
            let _ = (&mut self.incidents).await;
        }
    }
}

/// Makes what is missing of the demo, and the routes of its phone.
pub(crate) async fn prepare(app: &App, address: SocketAddr) -> Result<(Router, Demo)> {
    let recorder = Recorder::new(app);
    let secret = secret(&recorder).await.context("cannot keep the phone's secret")?;
    let inbox = format!("http://{}{}", own_address(address), phone::INBOX);
    let people = people::create(&recorder, &inbox).await?;
    let services = services::create(&recorder, &people).await?;
    recorder.settle().await;
    let incidents = incidents::tell(recorder, &people, &services);
    let routes = phone::routes(app.clone(), secret);
    Ok((routes, Demo { url: app.settings.public_url.clone(), incidents }))
}

/// Where the server reaches itself.
pub(crate) fn own_address(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The secret that pages to the phone are signed with: drawn once, then kept.
async fn secret(recorder: &Recorder) -> Result<Secret> {
    let (vault, id) = (recorder.app.engine.store().vault(), people::secret_id());
    let bytes = if let Some(bytes) = vault.open(id).await? {
        bytes
    } else {
        let bytes = commands::mint::secret::<32>().to_vec();
        vault.seal(id, &bytes).await?;
        bytes
    };
    Ok(Secret::new(bytes)?)
}
