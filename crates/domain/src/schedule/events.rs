//! What can happen to a schedule.

use serde::{Deserialize, Serialize};

use super::{
    adjustment::Change,
    model::{Span, Version},
};
use crate::{Actor, Fact, OverrideId, Subject, SwapId, TeamId, Timestamp, UserId};

/// What can happen to a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ScheduleEvent {
    /// It was made.
    #[serde(rename = "schedule.created.v2", alias = "schedule.created.v1")]
    Created {
        /// Its name.
        name: String,
        /// Whose it is.
        team: Option<TeamId>,
        /// What it says from the beginning.
        version: Version,
    },
    /// It has a new name.
    #[serde(rename = "schedule.renamed.v1")]
    Renamed {
        /// Its name from now on.
        name: String,
    },
    /// It says something else from an instant on.
    #[serde(rename = "schedule.version_added.v2", alias = "schedule.version_added.v1")]
    VersionAdded {
        /// What it says, and from when on.
        version: Version,
    },
    /// A version says something else than was planned; it begins when the planned one would have begun.
    #[serde(rename = "schedule.version_replaced.v1")]
    VersionReplaced {
        /// What it says, and from when on.
        version: Version,
    },
    /// A version that was planned will not begin.
    #[serde(rename = "schedule.version_dropped.v1")]
    VersionDropped {
        /// When it would have begun.
        effective_from: Timestamp,
    },
    /// Others are on call for a while.
    #[serde(rename = "schedule.override_added.v1")]
    OverrideAdded {
        /// Its id.
        id: OverrideId,
        /// What it does.
        change: Change,
        /// For how long.
        span: Span,
        /// Why, in one line; may be empty.
        reason: String,
        /// Who made it.
        by: Actor,
        /// When it was made.
        at: Timestamp,
    },
    /// An override ends before its time, or will not begin.
    #[serde(rename = "schedule.override_cancelled.v1")]
    OverrideCancelled {
        /// Which.
        id: OverrideId,
        /// When it was cancelled.
        at: Timestamp,
    },
    /// Somebody asked for a shift to be taken over.
    #[serde(rename = "schedule.swap_requested.v1")]
    SwapRequested {
        /// Its id.
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
        /// When.
        at: Timestamp,
    },
    /// Somebody takes the shift over.
    #[serde(rename = "schedule.swap_accepted.v1")]
    SwapAccepted {
        /// Which swap.
        id: SwapId,
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// Who was asked does not take the shift over.
    #[serde(rename = "schedule.swap_declined.v1")]
    SwapDeclined {
        /// Which swap.
        id: SwapId,
        /// Who.
        by: UserId,
        /// When.
        at: Timestamp,
    },
    /// Who asked does not ask any more.
    #[serde(rename = "schedule.swap_withdrawn.v1")]
    SwapWithdrawn {
        /// Which swap.
        id: SwapId,
        /// When.
        at: Timestamp,
    },
    /// An accepted swap ends before its time, or will not begin.
    #[serde(rename = "schedule.swap_undone.v1")]
    SwapUndone {
        /// Which swap.
        id: SwapId,
        /// When.
        at: Timestamp,
    },
    /// It is out of use.
    #[serde(rename = "schedule.retired.v1")]
    Retired {
        /// When.
        at: Timestamp,
    },
}

impl ScheduleEvent {
    /// Everybody whom it names, once, in the order of ids.
    pub fn people(&self) -> Vec<UserId> {
        let mut people = match self {
            Self::Created { version, .. }
            | Self::VersionAdded { version }
            | Self::VersionReplaced { version } => {
                version.layers.iter().flat_map(|layer| &layer.participants).flatten().copied().collect()
            }
            Self::OverrideAdded { change, .. } => change.people(),
            Self::SwapRequested { from, to, .. } => [*from].into_iter().chain(*to).collect(),
            Self::SwapAccepted { by, .. } | Self::SwapDeclined { by, .. } => vec![*by],
            Self::Renamed { .. }
            | Self::VersionDropped { .. }
            | Self::OverrideCancelled { .. }
            | Self::SwapWithdrawn { .. }
            | Self::SwapUndone { .. }
            | Self::Retired { .. } => vec![],
        };
        people.sort_unstable();
        people.dedup();
        people
    }
}

impl Fact for ScheduleEvent {
    fn subjects(&self) -> Vec<Subject> {
        let team = if let Self::Created { team, .. } = self { *team } else { None };
        team.map(Into::into).into_iter().chain(self.people().into_iter().map(Into::into)).collect()
    }
}
