//! A server over a small organisation, and where its pages go.

use crate::{
    Outcome,
    database::{Database, Kind},
    load::{Load, Sent},
    server::Server,
    sink::Sink,
    world::{self, World},
};

/// Connections of the monitoring tools.
pub(crate) const CONNECTIONS: usize = 64;

/// What most measurements stand on.
pub(crate) struct Stand {
    pub(crate) database: Database,
    pub(crate) server: Server,
    pub(crate) sink: Sink,
    pub(crate) world: World,
}

impl Stand {
    /// An empty log but for the organisation, and a server that is ready.
    pub(crate) async fn up(kind: Kind) -> Outcome<Self> {
        let (database, sink) = (Database::empty(kind).await?, Sink::start().await?);
        let store = database.open().await?;
        let world = world::found(&store, sink.url()).await?;
        store.close().await;
        let server = Server::start(&database).await?;
        Ok(Self { database, server, sink, world })
    }

    pub(crate) async fn down(self) -> Outcome<()> {
        self.server.stop().await?;
        self.database.remove().await;
        Ok(())
    }

    /// Sends requests over all connections.
    pub(crate) async fn send(&self, requests: &[Vec<u8>], count: usize, pace: Option<f64>) -> Outcome<Sent> {
        let load = Load { address: self.server.address, connections: CONNECTIONS, requests, count, pace };
        Ok(load.send().await?)
    }
}
