//! Accepting connections.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use api::mail::Office;
use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a connection may take to send the head of its next request. Senders keep idle connections for 90 s.
const HEAD_WITHIN: Duration = Duration::from_mins(2);
/// How long requests under way may take after the server was told to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// The wait before accepting again when the process has no more file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Takes the first address that works, of those that a flag names.
pub(crate) async fn bind(flag: &str, addresses: &[SocketAddr]) -> Result<TcpListener> {
    TcpListener::bind(addresses).await.map_err(|error| {
        let address = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let why = match error.kind() {
            ErrorKind::AddrInUse => {
                format!("another program listens on {address} already; choose another {flag}")
            }
            ErrorKind::PermissionDenied => format!("this user may not listen on {address}"),
            ErrorKind::AddrNotAvailable => format!("this machine does not have the address {address}"),
            _ => format!("cannot listen on {address}"),
        };
        anyhow::Error::new(error).context(why)
    })
}

/// Answers requests until told to stop, then lets those under way finish.
pub(crate) async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> Result<()> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(256)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .enable_connect_protocol();
    let graceful = GracefulShutdown::new();
    while let Some(stream) = next(&listener, &stop).await? {
        let service = TowerToHyperService::new(router.clone());
        let connection =
            builder.serve_connection_with_upgrades(TokioIo::new(tuned(stream)), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is its client's business.
            if let Err(error) = watched.await {
                tracing::debug!(%error, "a connection broke");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish within {DRAIN_WITHIN:?} and are abandoned");
    }
    Ok(())
}

/// Takes mail until told to stop, then lets those mails be stored that have come.
pub(crate) async fn take_mail(listener: TcpListener, office: Office, stop: CancellationToken) -> Result<()> {
    let (office, sessions) = (Arc::new(office), TaskTracker::new());
    while let Some(stream) = next(&listener, &stop).await? {
        let office = Arc::clone(&office);
        sessions.spawn(async move { office.converse(tuned(stream)).await });
    }
    drop(listener);
    sessions.close();
    if tokio::time::timeout(DRAIN_WITHIN, sessions.wait()).await.is_err() {
        tracing::warn!("some mails were not stored within {DRAIN_WITHIN:?} and are abandoned");
    }
    Ok(())
}

/// The next connection; none when told to stop.
async fn next(listener: &TcpListener, stop: &CancellationToken) -> Result<Option<TcpStream>> {
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => return Ok(Some(stream)),
            Err(error) => refused(&error).await.context("cannot accept connections")?,
        }
    }
}

/// Answers are small and written at once: waiting for more would only delay them.
fn tuned(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection cannot be tuned");
    }
    stream
}

/// An error of one connection is nothing; one of the process is waited out.
async fn refused(error: &std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused => {}
        ErrorKind::InvalidInput => return Err(std::io::Error::new(error.kind(), error.to_string())),
        _ => {
            tracing::error!(%error, "cannot accept a connection");
            tokio::time::sleep(EXHAUSTED).await;
        }
    }
    Ok(())
}
