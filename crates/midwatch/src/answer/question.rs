//! Reads a question.

use domain::{
    Invalid, Timestamp, UserId,
    schedule::{Layer, Version, check_version},
};

use super::{
    node::{Names, Node},
    schedule,
};

/// Instants that one question may name.
const MAX_INSTANTS: usize = 100_000;

/// What is asked.
pub(super) enum Question<'a> {
    OnCall { instants: Vec<(&'a str, Timestamp)> },
    Timeline { from: Timestamp, to: Timestamp },
    Gaps { from: Timestamp, to: Timestamp },
    Shifts { user: UserId, from: Timestamp, to: Timestamp },
    NextShift { user: UserId, from: Timestamp, horizon: Timestamp },
    Handoffs { from: Timestamp, to: Timestamp },
    Report { from: Timestamp, to: Timestamp },
}

/// A change of one layer, before the question is answered.
pub(super) struct Edit {
    pub(super) effective_from: Timestamp,
    pub(super) keep_current: bool,
    pub(super) layer: Layer,
}

/// A question, and what is changed before it is answered.
pub(super) struct Asked<'a> {
    pub(super) question: Question<'a>,
    pub(super) edit: Option<Edit>,
}

impl<'a> Asked<'a> {
    pub(super) fn read(node: &Node<'a>, names: &Names) -> Result<Self, Invalid> {
        node.object()?;
        let range = |end: &str| {
            let (from, to) = (node.at("from").instant()?, node.at(end).instant()?);
            if to < from {
                return Err(node.at(end).wrong("must not be before from"));
            }
            Ok((from, to))
        };
        let kind = node.at("type");
        let mut edit = None;
        let question = match kind.text()? {
            "on_call_at" => {
                let instants = node.at("instants").list(MAX_INSTANTS)?;
                let instants = instants.iter().map(|item| Ok((item.text()?, item.instant()?)));
                Question::OnCall { instants: instants.collect::<Result<_, Invalid>>()? }
            }
            "timeline" => range("to").map(|(from, to)| Question::Timeline { from, to })?,
            "gaps" => range("to").map(|(from, to)| Question::Gaps { from, to })?,
            "shifts_for_user" => {
                let (from, to) = range("to")?;
                Question::Shifts { user: names.user(&node.at("user"))?, from, to }
            }
            "next_shift" => {
                let (from, horizon) = range("horizon")?;
                Question::NextShift { user: names.user(&node.at("user"))?, from, horizon }
            }
            "handoffs" => range("to").map(|(from, to)| Question::Handoffs { from, to })?,
            "report" => range("to").map(|(from, to)| Question::Report { from, to })?,
            "edit_timeline" => {
                edit = Some(Edit::read(&node.at("edit"), names)?);
                range("to").map(|(from, to)| Question::Timeline { from, to })?
            }
            _ => {
                let rule = "must be one of on_call_at, timeline, gaps, shifts_for_user, next_shift, handoffs, \
                            report, edit_timeline";
                return Err(kind.wrong(rule));
            }
        };
        Ok(Self { question, edit })
    }
}

impl Edit {
    fn read(node: &Node<'_>, names: &Names) -> Result<Self, Invalid> {
        node.object()?;
        Ok(Self {
            effective_from: node.at("effective_from").instant()?,
            keep_current: node.at("keep_current").given().map_or(Ok(true), |keep| keep.flag())?,
            layer: layer(node, names)?,
        })
    }
}

/// The layer as edited, checked as if it stood alone.
fn layer(edit: &Node<'_>, names: &Names) -> Result<Layer, Invalid> {
    let (id, node) = (edit.at("layer_id"), edit.at("layer"));
    let layer = schedule::layer(&node, names)?;
    if names.layer(&id)? != layer.id {
        return Err(node.at("id").wrong("must be the layer_id of the edit"));
    }
    let effective_from = Timestamp::default();
    let alone = Version { effective_from, time_zone: "UTC".to_owned(), layers: vec![layer.clone()] };
    check_version(&alone).map_err(|why| {
        let field = why.field.trim_start_matches("layers[0].").to_owned();
        node.at(&field).wrong(why.rule)
    })?;
    Ok(layer)
}
