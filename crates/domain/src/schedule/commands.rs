//! What can be asked of a schedule.

use std::sync::Arc;

use super::{
    adjustment::Change,
    model::{Layer, Span, Version},
    tzdb::Zones,
};
use crate::{Actor, OverrideId, SwapId, TeamId, Timestamp, Unknown, UserId};

/// What can be asked of a schedule.
#[derive(Clone, Debug)]
pub enum ScheduleCommand {
    /// Make a schedule.
    CreateSchedule {
        /// Its name, one line.
        name: String,
        /// Whose it is.
        team: Option<TeamId>,
        /// What it says from the beginning, which must not lie in the past.
        version: Version,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
    },
    /// Change what is given; the past stays what it was.
    UpdateSchedule {
        /// A new name.
        name: Option<String>,
        /// What it says from an instant on.
        edit: Option<Edit>,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
    },
    /// Give up a version that has not begun.
    DropVersion {
        /// When it would begin.
        effective_from: Timestamp,
        /// Now.
        at: Timestamp,
    },
    /// Put others on call for a while.
    AddOverride {
        /// Its id, chosen by the caller.
        id: OverrideId,
        /// What it does.
        change: Change,
        /// For how long.
        span: Span,
        /// Why, in one line; may be empty.
        reason: String,
        /// Who makes it.
        by: Actor,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
    },
    /// Relieve somebody who is on call now, until the end of their shift.
    Cover {
        /// The id of the override, chosen by the caller.
        id: OverrideId,
        /// Who is relieved.
        from: UserId,
        /// Who takes over.
        to: UserId,
        /// Until when; if left out, until the end of the shift.
        end: Option<Timestamp>,
        /// Why, in one line; may be empty.
        reason: String,
        /// Who makes it.
        by: Actor,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
        /// The zones of today.
        zones: Arc<dyn Zones>,
    },
    /// End an override now, or before it begins.
    CancelOverride {
        /// Which.
        id: OverrideId,
        /// Who asks; none: somebody who may do everything.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Ask for a shift to be taken over.
    RequestSwap {
        /// Its id, chosen by the caller.
        id: SwapId,
        /// Who gives time on call.
        from: UserId,
        /// Who is asked; anybody, if nobody is named.
        to: Option<UserId>,
        /// The time that is given.
        give: Span,
        /// The time that is taken in return.
        take: Option<Span>,
        /// Why, in one line; may be empty.
        reason: String,
        /// References among these that do not exist.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
        /// The zones of today.
        zones: Arc<dyn Zones>,
    },
    /// Take a shift over.
    AcceptSwap {
        /// Which swap.
        id: SwapId,
        /// Who.
        by: UserId,
        /// References among these that do not exist, such as a person who left.
        unknown: Vec<Unknown>,
        /// Now.
        at: Timestamp,
        /// The zones of today.
        zones: Arc<dyn Zones>,
    },
    /// Do not take a shift over.
    DeclineSwap {
        /// Which swap.
        id: SwapId,
        /// Who.
        by: UserId,
        /// Now.
        at: Timestamp,
    },
    /// Do not ask any more.
    WithdrawSwap {
        /// Which swap.
        id: SwapId,
        /// Who; none: somebody who may do everything.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// End an accepted swap now, or before it begins.
    UndoSwap {
        /// Which swap.
        id: SwapId,
        /// Who; none: somebody who may do everything.
        by: Option<UserId>,
        /// Now.
        at: Timestamp,
    },
    /// Take a person out, from now on: their slots stay, empty where nobody shares them, and what was
    /// agreed with them is cancelled.
    RemovePerson {
        /// Who.
        user: UserId,
        /// Now.
        at: Timestamp,
    },
    /// Take it out of use; it has nobody on call from then on.
    RetireSchedule {
        /// Now.
        at: Timestamp,
    },
}

/// What a schedule is to say from an instant on.
#[derive(Clone, Debug)]
pub struct Edit {
    /// From when on; now, if left out.
    pub effective_from: Option<Timestamp>,
    /// The IANA zone whose wall clock the layers follow.
    pub time_zone: String,
    /// All layers. One with the id of a layer that is there is that layer, edited.
    pub layers: Vec<Layer>,
    /// Whether the turns of edited layers go on where they are, instead of by their first slots.
    pub keep_current: bool,
    /// The revision that the edit was made from; a schedule with another one has been edited since.
    pub revision: Option<u64>,
    /// The zones of today.
    pub zones: Arc<dyn Zones>,
}
