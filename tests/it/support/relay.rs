//! A mail relay on loopback that leaves its clients without an answer until it is told otherwise.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// A slow relay; it listens as long as the test runs.
pub(crate) struct Relay {
    /// Where it listens, as a node is told.
    pub(crate) url: String,
    mails: Arc<AtomicUsize>,
    /// Closed once it answers.
    answers: Arc<Semaphore>,
}

impl Relay {
    /// Begins to listen.
    pub(crate) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let url = format!("smtp://{}", listener.local_addr().expect("it is bound"));
        let (mails, answers) = (Arc::<AtomicUsize>::default(), Arc::new(Semaphore::new(0)));
        let (count, gate) = (Arc::clone(&mails), Arc::clone(&answers));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (count, gate) = (Arc::clone(&count), Arc::clone(&gate));
                // A client that hangs up ends its own conversation only.
                tokio::spawn(async move { converse(stream, &count, &gate).await });
            }
        });
        Self { url, mails, answers }
    }

    /// How many mails it was given.
    pub(crate) fn mails(&self) -> usize {
        self.mails.load(Ordering::Relaxed)
    }

    /// Takes what it was given, and from now on every mail at once.
    pub(crate) fn release(&self) {
        self.answers.close();
    }
}

async fn converse(stream: TcpStream, mails: &AtomicUsize, answers: &Semaphore) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 relay.example.org\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let answer = match line.split([' ', ':', '\r']).next() {
            Some("EHLO") => "250-relay.example.org\r\n250 8BITMIME\r\n",
            Some("DATA") => "354 go on\r\n",
            _ => "250 2.0.0 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
        if answer.starts_with("354") {
            while line != ".\r\n" {
                line.clear();
                if stream.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
            }
            mails.fetch_add(1, Ordering::Relaxed);
            // An error says that it is closed.
            let _ = answers.acquire().await;
            stream.write_all(b"250 2.0.0 queued\r\n").await?;
        }
        line.clear();
    }
    Ok(())
}
