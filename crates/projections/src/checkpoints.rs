//! How far is each reactor? Not folded from the log, and not touched by a rebuild.

use sea_query::{Expr, ExprTrait, Query};
use store::Position;

use crate::{
    ReadError, ReadModels,
    db::{Change, Kind, Rows, Table},
};

static TABLE: Table = Table {
    name: "read_checkpoint",
    columns: &[("name", Kind::Text), ("position", Kind::Int)],
    key: 1,
    keyed: true,
};

impl ReadModels {
    /// How far the reactor of this name came; zero if it never said so. Not touched by a rebuild.
    pub async fn checkpoint(&self, name: &str) -> Result<Position, ReadError> {
        let query =
            Query::select().column("position").from(TABLE.name).and_where(Expr::col("name").eq(name)).take();
        self.db().select(query).await?.pop().map_or(Ok(0), |mut row| row.take())
    }

    /// Remembers how far reactors came.
    pub async fn set_checkpoints(
        &self,
        places: impl IntoIterator<Item = (&str, Position)>,
    ) -> Result<(), ReadError> {
        let mut rows = Rows::new(&TABLE, Change::Put);
        for (name, position) in places {
            rows.push([name.to_owned().into(), position.into()]);
        }
        self.db().put(rows).await
    }
}
