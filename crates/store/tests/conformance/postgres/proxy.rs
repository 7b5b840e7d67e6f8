//! A wire between a log and its server that a test can hold and cut.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the wire does with the server's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Hands them on.
    Whole,
    /// Keeps them for itself.
    Swallowing,
}

/// A loopback port in front of a server.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<watch::Sender<Wire>>,
    /// How often the wire was cut.
    cuts: Arc<watch::Sender<u32>>,
}

impl Proxy {
    /// Listens in front of `server`, as `host:port`.
    pub(crate) async fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(watch::Sender::new(Wire::Whole));
        let cuts = Arc::new(watch::Sender::new(0));
        let (server, wire, cutting) = (server.to_owned(), Arc::clone(&state), Arc::clone(&cuts));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(&server).await {
                    tokio::spawn(carry(client, server, wire.subscribe(), cutting.subscribe()));
                }
            }
        });
        Self { port, state, cuts }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.state.send_replace(wire);
    }

    /// Ends all connections that are there; new ones may come.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    wire: watch::Receiver<Wire>,
    mut cuts: watch::Receiver<u32>,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            if *wire.borrow() == Wire::Whole && to_client.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = answers => {}
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        _ = cuts.changed() => {}
    }
}
