//! Sends requests over many connections from one thread, as fast as they are answered or at a fixed pace.

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::try_join_all;

use crate::{http::Connection, stats::Latencies};

/// What to send.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) requests: &'a [Vec<u8>],
    /// How many to send; the requests are repeated if there are fewer.
    pub(crate) count: usize,
    /// Requests in a second; none: the next one goes out when one is answered.
    pub(crate) pace: Option<f64>,
}

/// What came of it.
pub(crate) struct Sent {
    pub(crate) began: Instant,
    /// When the last answer arrived.
    pub(crate) ended: Instant,
    /// From when a request was meant to go out (at a pace) or went out (otherwise) to its answer.
    pub(crate) latencies: Latencies,
    /// When each request was answered with 202, by its place.
    pub(crate) accepted: Vec<Option<Instant>>,
    /// Answers other than 202.
    pub(crate) refused: usize,
}

impl Sent {
    pub(crate) fn time(&self) -> Duration {
        self.ended.duration_since(self.began)
    }
}

impl Load<'_> {
    pub(crate) async fn send(&self) -> io::Result<Sent> {
        let mut connections = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            connections.push(Connection::open(self.address).await?);
        }
        let began = Instant::now();
        let (next, refused) = (Cell::new(0), Cell::new(0));
        let accepted = RefCell::new(vec![None; self.count]);
        let latencies = RefCell::new(Vec::with_capacity(self.count));
        let send = async |connection: &mut Connection| -> io::Result<()> {
            loop {
                let index = next.get();
                if index >= self.count {
                    return Ok(());
                }
                next.set(index + 1);
                let meant = match self.pace {
                    Some(pace) => self.wait_for(began, index, pace).await,
                    None => Instant::now(),
                };
                let status = connection.exchange(&self.requests[index % self.requests.len()]).await?.status;
                let now = Instant::now();
                latencies.borrow_mut().push(now.duration_since(meant));
                if status == 202 {
                    accepted.borrow_mut()[index] = Some(now);
                } else {
                    refused.set(refused.get() + 1);
                }
            }
        };
        try_join_all(connections.iter_mut().map(send)).await?;
        Ok(Sent {
            began,
            ended: Instant::now(),
            latencies: Latencies::of(latencies.into_inner()),
            accepted: accepted.into_inner(),
            refused: refused.get(),
        })
    }

    async fn wait_for(&self, began: Instant, index: usize, pace: f64) -> Instant {
        let meant = began + Duration::from_secs_f64(crate::stats::number(index) / pace);
        if meant > Instant::now() {
            tokio::time::sleep_until(meant.into()).await;
        }
        meant
    }
}
