//! What can be asked about deliveries: each question walks along an index from its newest end.

use domain::{DeliveryId, IncidentId, IntegrationId, ServiceId, Timestamp};
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use store::Position;
use uuid::Uuid;

use super::{DeliveryVerdict, DeliveryView, TABLE, VERDICTS};
use crate::{ReadError, ReadModels, Slice, db::Row, list::Place, news::variant};

/// Which deliveries are wanted. What is left out wants all of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// That first became one of these.
    pub verdicts: Vec<DeliveryVerdict>,
    /// That have no verdict yet; beside `verdicts`, these too.
    pub undecided: bool,
    /// That came at this instant or later.
    pub received_after: Option<Timestamp>,
    /// That came before this instant.
    pub received_before: Option<Timestamp>,
}

impl ReadModels {
    /// What came through an entrance, newest first.
    pub async fn deliveries(
        &self,
        integration: IntegrationId,
        filter: &DeliveryFilter,
        first: usize,
        after: Option<&str>,
    ) -> Result<Slice<DeliveryView>, ReadError> {
        let base = newest(integration, filter, first + 1, Place::parse(after)?);
        let rows = self.db().selects(walks_of(filter, &base)).await?.into_iter().flatten();
        let views = rows.map(view).collect::<Result<Vec<_>, _>>()?;
        let mut views: Vec<_> = views
            .into_iter()
            // In a list of deliveries their positions in the log are their numbers.
            .map(|view| (Place { at: view.received_at, number: view.position }, view))
            .collect();
        views.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
        let has_next = views.len() > first;
        views.truncate(first);
        let items = views.into_iter().map(|(place, view)| (place.cursor(), view)).collect();
        Ok(Slice { items, has_next })
    }

    /// One delivery.
    pub async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryView>, ReadError> {
        Ok(self.deliveries_by_ids(&[id]).await?.pop())
    }

    /// Those of these deliveries that exist, in no particular order.
    pub async fn deliveries_by_ids(&self, ids: &[DeliveryId]) -> Result<Vec<DeliveryView>, ReadError> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let ids = ids.iter().map(|id| id.uuid().as_bytes().to_vec());
        let query = Query::select()
            .columns(TABLE.names())
            .from(TABLE.name)
            .and_where(Expr::col("id").is_in(ids))
            .take();
        self.db().select(query).await?.into_iter().map(view).collect()
    }

    /// Deliveries that have no verdict yet and were asked for one after `after`, in the order of the log: with the
    /// position of the event that asks for it.
    pub async fn undecided(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<(Position, DeliveryId)>, ReadError> {
        let query = Query::select()
            .columns(["asked", "id"])
            .from(TABLE.name)
            .and_where(Expr::col("verdict").is_null())
            .and_where(Expr::col("asked").gt(after.cast_signed()))
            .order_by("asked", Order::Asc)
            .limit(limit as u64)
            .take();
        let rows = self.db().select(query).await?;
        rows.into_iter().map(|mut row| Ok((row.take()?, DeliveryId::new(row.take()?)))).collect()
    }
}

fn newest(
    integration: IntegrationId,
    filter: &DeliveryFilter,
    limit: usize,
    before: Option<Place>,
) -> SelectStatement {
    let mut query = Query::select()
        .columns(TABLE.names())
        .from(TABLE.name)
        .and_where(Expr::col("integration").eq(integration.uuid().as_bytes().to_vec()))
        .order_by("received_at", Order::Desc)
        .order_by("position", Order::Desc)
        .limit(limit as u64)
        .take();
    if let Some(Place { at, number }) = before {
        let place = [Expr::val(at.millis()), Expr::val(number.cast_signed())];
        let here = Expr::tuple([Expr::col("received_at"), Expr::col("position")]);
        query.and_where(here.lt(Expr::tuple(place)));
    }
    if let Some(after) = filter.received_after {
        query.and_where(Expr::col("received_at").gte(after.millis()));
    }
    if let Some(before) = filter.received_before {
        query.and_where(Expr::col("received_at").lt(before.millis()));
    }
    query
}

/// One walk for each verdict that is wanted, or one along everything.
fn walks_of(filter: &DeliveryFilter, base: &SelectStatement) -> Vec<SelectStatement> {
    if filter.verdicts.is_empty() && !filter.undecided {
        return vec![base.clone()];
    }
    let wanted = VERDICTS.into_iter().filter(|verdict| filter.verdicts.contains(verdict));
    let decided = wanted
        .filter_map(DeliveryVerdict::number)
        .map(|number| base.clone().and_where(Expr::col("verdict").eq(i64::from(number))).take());
    let undecided = filter.undecided.then(|| base.clone().and_where(Expr::col("verdict").is_null()).take());
    decided.chain(undecided).collect()
}

fn view(mut row: Row) -> Result<DeliveryView, ReadError> {
    Ok(DeliveryView {
        id: DeliveryId::new(row.take()?),
        position: row.take()?,
        integration: IntegrationId::new(row.take()?),
        service: ServiceId::new(row.take()?),
        format: variant(&row.take::<String>()?)?,
        proof: variant(&row.take::<String>()?)?,
        received_at: row.take()?,
        asked: row.take()?,
        asked_at: row.take()?,
        replays: row.take()?,
        verdict: row.take::<Option<u32>>()?.and_then(|number| VERDICTS.get(number as usize)).copied(),
        verdict_count: row.take()?,
        incident: row.take::<Option<Uuid>>()?.map(IncidentId::new),
        reason: row.take()?,
        decided_at: row.take()?,
    })
}
