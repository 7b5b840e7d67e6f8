//! Where pages go: an endpoint that notes when each alert's page arrived and says thank you.

use std::{
    cell::RefCell,
    io,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinSet, spawn_local},
};

use crate::{alerts, http};

const THANKS: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// Pages that arrived: the number of the alert, and when.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    pages: Rc<RefCell<Vec<(usize, Instant)>>>,
}

impl Sink {
    /// Listens on a free port until the surrounding set of local tasks ends.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let sink = Self { address: listener.local_addr()?, pages: Rc::default() };
        let pages = Rc::clone(&sink.pages);
        spawn_local(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let pages = Rc::clone(&pages);
                open.spawn_local(async move {
                    // A sender that goes away is no news.
                    drop(receive(stream, &pages).await);
                });
            }
        });
        Ok(sink)
    }

    /// The address that a contact names.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/page", self.address)
    }

    pub(crate) fn count(&self) -> usize {
        self.pages.borrow().len()
    }

    /// When the latest page arrived.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.pages.borrow().iter().map(|(_, at)| *at).max()
    }

    /// The first arrival for each alert from number `from` on; none where no page came.
    pub(crate) fn arrivals(&self, from: usize, count: usize) -> Vec<Option<Instant>> {
        let mut arrivals = vec![None; count];
        for (number, at) in self.pages.borrow().iter() {
            if let Some(slot) = number.checked_sub(from).and_then(|index| arrivals.get_mut(index)) {
                slot.get_or_insert(*at);
            }
        }
        arrivals
    }

    /// Waits until `count` pages have arrived in all, or for as long as `patience` without a new one.
    pub(crate) async fn reach(&self, count: usize, patience: Duration) -> bool {
        let (mut seen, mut since) = (self.count(), Instant::now());
        while seen < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let now = self.count();
            if now > seen {
                (seen, since) = (now, Instant::now());
            } else if since.elapsed() > patience {
                return false;
            }
        }
        true
    }
}

async fn receive(mut stream: TcpStream, pages: &RefCell<Vec<(usize, Instant)>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(16 * 1024);
    loop {
        let end = loop {
            if let Some(head) = http::find(&buffer, b"\r\n\r\n") {
                let end = head + 4 + http::content_length(&buffer[..head + 4]);
                if buffer.len() >= end {
                    break end;
                }
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let at = Instant::now();
        stream.write_all(THANKS).await?;
        if let Some(number) = alerts::number_in(&buffer[..end]) {
            pages.borrow_mut().push((number, at));
        }
        buffer.drain(..end);
    }
}
