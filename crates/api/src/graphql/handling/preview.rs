//! What stored messages would lead to under another handling. Nothing is recorded.

use async_graphql::{Context, ID, Object, SimpleObject};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    DeliveryId, Fact, IntegrationId, Meaning, Severity as DomainSeverity, Translated,
    delivery::{DeliveryEvent, Envelope, RawBody},
    incident::Hold,
    integration::Handling,
    user::Role,
};
use projections::{DeliveryFilter, DeliveryView};

use super::{
    super::{
        caller::{Caller, parse},
        delivery::Delivery,
        fault::Fault,
        incident::{Label, Link, labels, links},
        rejection::{Rejection, Stop},
        scalar::DateTime,
        service::Service,
        words::Severity,
    },
    handling_of,
    input::HandlingInput,
};
use crate::webhooks::translate::understand;

/// Messages that one preview looks at.
const MOST: usize = 50;

/// What messages that came before would lead to.
#[derive(SimpleObject)]
pub(in crate::graphql) struct HandlingPreview {
    /// Message by message, in the order they were asked for or newest first; empty if the handling is refused.
    deliveries: Vec<PreviewedDelivery>,
    /// Why the handling could not be saved; null if it could.
    rejection: Option<Rejection>,
}

/// What one message would lead to.
#[derive(SimpleObject)]
struct PreviewedDelivery {
    /// The message.
    delivery: Delivery,
    /// What it would say of problems.
    alerts: Vec<PreviewedAlert>,
    /// Why it would say nothing; null if it says something.
    reason: Option<String>,
}

/// What a message would say of one problem, and what would become of it.
#[derive(SimpleObject)]
struct PreviewedAlert {
    /// What is to be done: `trigger`, `acknowledge`, `resolve` or another word.
    action: String,
    /// What makes two alerts the same problem: the key of the incident.
    dedup_key: String,
    /// Its own key, where several problems would be grouped.
    own_key: Option<String>,
    /// What is wrong, in one line.
    title: String,
    /// Longer words.
    details: Option<String>,
    /// How bad it is.
    severity: Severity,
    /// The word for the severity that was not understood.
    unknown_severity: Option<String>,
    /// The part of the world it is about.
    source: Option<String>,
    /// What of that part is broken.
    component: Option<String>,
    /// Where to read on.
    links: Vec<Link>,
    /// Pictures.
    images: Vec<Link>,
    /// What tells it from others.
    labels: Vec<Label>,
    /// When it happened, if the message says.
    at: Option<DateTime>,
    /// What it would be about.
    service: Option<Service>,
    /// The rule that would decide; null: there are none.
    rule: Option<String>,
    /// Whether it would be recorded and lead to nothing.
    dropped: bool,
    /// For how long nobody would be paged.
    suspend_seconds: Option<u32>,
    /// How many alerts would be waited for before anybody is paged.
    threshold_alerts: Option<u32>,
    /// After how long without another alert the incident would be over by itself.
    resolve_after_seconds: Option<u32>,
    /// What would not go as the integration is set up, in words.
    remarks: Vec<String>,
}

#[derive(Default)]
pub(in crate::graphql) struct HandlingQuery;

#[Object]
impl HandlingQuery {
    /// What stored messages of an integration would lead to if it were set up in another way; for administrators.
    /// Without `deliveryIds` the last ones are taken.
    #[graphql(complexity = "10 + first.unwrap_or(10).clamp(1, 50) as usize * child_complexity")]
    async fn handling_preview(
        &self,
        ctx: &Context<'_>,
        integration_id: ID,
        handling: HandlingInput,
        delivery_ids: Option<Vec<ID>>,
        first: Option<i32>,
    ) -> Result<HandlingPreview, Fault> {
        let caller = Caller::admit(ctx, Role::Administrator)?;
        match preview(caller, &integration_id, handling, delivery_ids, first).await {
            Ok(deliveries) => Ok(HandlingPreview { deliveries, rejection: None }),
            Err(Stop::Rejected(rejection)) => {
                Ok(HandlingPreview { deliveries: vec![], rejection: Some(rejection) })
            }
            Err(Stop::Fault(fault)) => Err(fault),
        }
    }
}

async fn preview(
    caller: Caller<'_>,
    integration_id: &ID,
    handling: HandlingInput,
    delivery_ids: Option<Vec<ID>>,
    first: Option<i32>,
) -> Result<Vec<PreviewedDelivery>, Stop> {
    let id: IntegrationId = parse("integrationId", integration_id)?;
    let change = handling.into_domain()?;
    let directory = caller.configuration().await;
    if let Some(missing) = super::unknown(&directory, &change).first() {
        return Err(Rejection::of(&domain::ConfigRejection::Unknown(missing.clone())).into());
    }
    let handling = handling_of(&directory, id)
        .changed(&change)
        .map_err(|invalid| Rejection::of(&domain::ConfigRejection::Invalid(invalid)))?;
    let views = messages(caller, id, delivery_ids, first).await?;
    let positions: Vec<_> = views.iter().map(|view| view.position).collect();
    let kept = caller.app.engine.store().at(&positions).await?;
    let mut shown = vec![];
    for view in views {
        let event = kept.iter().find(|event| event.position == view.position);
        let event = event.and_then(|event| DeliveryEvent::decode(&event.kind, &event.payload).ok());
        shown.extend(event.map(|event| previewed(&directory, view, event, &handling)));
    }
    Ok(shown)
}

/// The messages that are asked for, as far as they are the integration's own.
async fn messages(
    caller: Caller<'_>,
    id: IntegrationId,
    delivery_ids: Option<Vec<ID>>,
    first: Option<i32>,
) -> Result<Vec<DeliveryView>, Stop> {
    let Some(ids) = delivery_ids else {
        let first = first.map_or(10, |first| usize::try_from(first).unwrap_or(0)).clamp(1, MOST);
        let slice = caller.app.reads.deliveries(id, &DeliveryFilter::default(), first, None).await?;
        return Ok(slice.items.into_iter().map(|(_, view)| view).collect());
    };
    if ids.len() > MOST {
        return Err(Rejection::invalid("deliveryIds", &format!("must be at most {MOST}")).into());
    }
    let mut views = vec![];
    for (index, delivery) in ids.iter().enumerate() {
        let field = format!("deliveryIds[{index}]");
        let delivery: DeliveryId = parse(&field, delivery)?;
        let view = caller.app.reads.delivery(delivery).await?.filter(|view| view.integration == id);
        views.push(view.ok_or_else(|| Rejection::invalid(&field, "is no delivery of this integration"))?);
    }
    Ok(views)
}

/// What a message would lead to if it were decided again: its bytes, read as its integration reads messages now, and with
/// the service that it has now.
fn previewed(
    directory: &commands::Directory,
    view: DeliveryView,
    event: DeliveryEvent,
    handling: &Handling,
) -> PreviewedDelivery {
    let entrance = directory.integrations.get(&view.integration).and_then(|known| known.entrance.as_ref());
    let service = entrance.map_or(view.service, |entrance| entrance.service);
    let meaning = match event {
        DeliveryEvent::Received { format, body, envelope, .. } => {
            let reading = entrance.map_or(envelope.reading, |entrance| entrance.reading);
            let envelope = Envelope { reading, ..envelope };
            let bytes = match body {
                RawBody::Text(text) => text.into_bytes(),
                RawBody::Base64(text) => STANDARD.decode(text).unwrap_or_default(),
            };
            understand(format, &envelope, &bytes, view.id, handling).map_err(|why| why.to_string())
        }
        DeliveryEvent::ReplayRequested { .. } | DeliveryEvent::Concluded { .. } => {
            Err("it is not kept".to_owned())
        }
    };
    let (alerts, reason) = match meaning {
        Ok(Meaning::Alerts(alerts)) => (alerts, None),
        Ok(Meaning::Nothing { reason, .. }) | Err(reason) => (vec![], Some(reason)),
    };
    let alerts = alerts.into_iter().map(|mut alert| {
        let about = directory.service_of(service, &mut alert);
        previewed_alert(alert, Service::find(directory, about))
    });
    PreviewedDelivery { alerts: alerts.collect(), reason, delivery: Delivery::new(view) }
}

fn previewed_alert(alert: Translated, service: Option<Service>) -> PreviewedAlert {
    let (suspend_seconds, threshold_alerts) = match alert.ruling.hold {
        Some(Hold::Suspend { seconds }) => (Some(seconds), None),
        Some(Hold::Threshold { alerts, .. }) => (None, Some(alerts)),
        None => (None, None),
    };
    let severity: DomainSeverity = alert.severity;
    PreviewedAlert {
        action: alert.action.word().to_owned(),
        dedup_key: alert.key,
        own_key: alert.ruling.own_key,
        title: alert.title,
        details: alert.details,
        severity: severity.into(),
        unknown_severity: alert.unknown_severity,
        source: alert.source,
        component: alert.component,
        links: links(&alert.links),
        images: links(&alert.images),
        labels: labels(&alert.labels),
        at: alert.at.map(DateTime),
        service,
        rule: alert.ruling.rule,
        dropped: alert.ruling.dropped,
        suspend_seconds,
        threshold_alerts,
        resolve_after_seconds: alert.ruling.resolve_after_seconds,
        remarks: alert.ruling.remarks,
    }
}
