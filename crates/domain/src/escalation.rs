//! Whom to page next: the ladder of an escalation policy and the people on its rungs.

use serde::{Deserialize, Serialize};

use crate::{Invalid, PolicyId, ScheduleId, TeamId, UserId, validate};

/// Levels that one policy may have.
pub const MAX_LEVELS: usize = 20;
/// Further passes over the levels that one policy may make.
pub const MAX_REPEAT: u32 = 9;
/// Targets that one level may have.
const MAX_TARGETS: usize = 20;
/// The longest wait for an acknowledgement, in seconds: one week.
const MAX_TIMEOUT: u32 = 7 * 24 * 3600;

/// Somebody, named directly or by duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    /// This person.
    User {
        /// Who.
        id: UserId,
    },
    /// Whoever this schedule has on call.
    Schedule {
        /// Which schedule.
        id: ScheduleId,
    },
    /// Every member of this team.
    Team {
        /// Which team.
        id: TeamId,
    },
}

/// One rung: whom to page, and how long to wait for an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Whom to page, all at once.
    pub targets: Vec<Target>,
    /// Seconds until the next level is paged.
    pub timeout_seconds: u32,
}

/// The levels that an incident climbs, copied from its policy when it opens: an edit of the policy
/// applies to incidents opened or restarted after it, never to a climb under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// The policy it was copied from; none if none could be found.
    pub policy: Option<PolicyId>,
    /// The rungs, lowest first.
    pub levels: Vec<Level>,
    /// Further passes over the levels after the first one.
    pub repeat: u32,
}

impl Ladder {
    /// Checks the bounds that the input can break.
    pub(crate) fn check(levels: &[Level], repeat: u32) -> Result<(), Invalid> {
        validate::within("levels", levels.len(), 1, MAX_LEVELS)?;
        validate::within("repeat", repeat, 0, MAX_REPEAT)?;
        for (index, level) in levels.iter().enumerate() {
            let targets = format!("levels[{index}].targets");
            validate::within(&targets, level.targets.len(), 1, MAX_TARGETS)?;
            let timeout = format!("levels[{index}].timeoutSeconds");
            validate::within(&timeout, level.timeout_seconds, 1, MAX_TIMEOUT)?;
        }
        Ok(())
    }

    /// The first level after (`pass`, `level`) that has somebody on it, and the empty ones before it.
    /// Passes and levels count from 1; (1, 0) stands before the first. `None`: the ladder ends.
    pub(crate) fn next(&self, pass: u32, level: u32, roster: &Roster) -> (Option<Rung>, Vec<u32>) {
        let mut skipped = Vec::new();
        let mut from = level;
        for pass in pass..=self.repeat + 1 {
            for (index, rung) in self.levels.iter().enumerate().skip(from as usize) {
                let level = u32::try_from(index).unwrap_or(u32::MAX) + 1;
                match roster.levels.get(index) {
                    Some(responders) if !responders.is_empty() => {
                        let responders = responders.clone();
                        let timeout_seconds = rung.timeout_seconds;
                        return (Some(Rung { pass, level, responders, timeout_seconds }), skipped);
                    }
                    _ => skipped.push(level),
                }
            }
            from = 0;
        }
        (None, skipped)
    }
}

/// A level that was found to have somebody on it.
pub(crate) struct Rung {
    pub(crate) pass: u32,
    pub(crate) level: u32,
    pub(crate) responders: Vec<Responder>,
    pub(crate) timeout_seconds: u32,
}

/// A person to page, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    /// Who.
    pub user: UserId,
    /// The target that named them.
    pub through: Target,
}

/// Who stood on each level at the moment of the command; looked up by the edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// The people of each level of the ladder, in its order.
    pub levels: Vec<Vec<Responder>>,
    /// Whom to page when the ladder has ended or nobody is on it.
    pub administrators: Vec<UserId>,
    /// The log position of the configuration that was read.
    pub decided_at: u64,
}
