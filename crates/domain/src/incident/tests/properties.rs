//! What holds after any commands in any order.

use proptest::prelude::*;

use super::*;

fn command() -> impl Strategy<Value = IncidentCommand> {
    let who = prop_oneof![Just(ADA), Just(GRACE)];
    let at = (0_u64..120).prop_map(minute);
    let people = prop_oneof![
        Just(roster()),
        Just(roster_of(&[&[], &[GRACE]])),
        Just(roster_of(&[&[ADA, GRACE], &[]])),
        Just(roster_of(&[&[], &[]])),
    ];
    (who, at, people, 0_u32..4, 1_u128..6, 0_u8..12).prop_map(|(who, at, roster, number, id, kind)| {
        let by = user(who);
        match kind {
            0 | 1 => {
                let severity = Severity::ALL[id as usize % 5];
                open_with(vec![alert(id, severity)], roster, at)
            }
            2 => IncidentCommand::AcknowledgeIncident { by, via: Channel::Api, alert: None, at },
            3 => IncidentCommand::UnacknowledgeIncident { by, roster, at },
            4 => IncidentCommand::ResolveIncident { by, via: Channel::Api, note: None, alert: None, at },
            5 => IncidentCommand::ReassignIncident { by, reason: None, ladder: ladder(), roster, at },
            6 => IncidentCommand::EscalateIncident { by, roster, at },
            7 => {
                let (severity, reason) = (Severity::ALL[id as usize % 5], None);
                IncidentCommand::ChangeIncidentSeverity { by, severity, reason, roster, at }
            }
            8 | 9 => {
                let until = at.plus_seconds(u64::from(number) * 10 * MINUTE);
                let (reason, via, alert) = (None, Channel::Api, None);
                IncidentCommand::SnoozeIncident { by, until, reason, via, alert, at }
            }
            10 => IncidentCommand::EscalateOverdue { cycle: number, pass: 1, level: 1, roster, at },
            _ => IncidentCommand::AddIncidentNote {
                note: NoteId::new(Uuid::from_u128(id)),
                by,
                text: "noted".into(),
                at,
            },
        }
    })
}

/// Whether judging a command again right after itself must change nothing. Asking for another
/// climb twice is two requests.
fn repeats_quietly(command: &IncidentCommand) -> bool {
    !matches!(command, IncidentCommand::ReassignIncident { .. } | IncidentCommand::EscalateIncident { .. })
}

/// Whether somebody asks for pages.
fn is_asked(command: &IncidentCommand) -> bool {
    matches!(
        command,
        IncidentCommand::UnacknowledgeIncident { .. }
            | IncidentCommand::ReassignIncident { .. }
            | IncidentCommand::EscalateIncident { .. }
    )
}

proptest! {
    #[test]
    fn a_command_judged_again_after_its_own_events_yields_none(
        history in prop::collection::vec(command(), 0..30),
    ) {
        let mut incident = Incident::default();
        for command in &history {
            let Ok(events) = incident.decide(command) else { continue };
            events.iter().for_each(|event| incident.evolve(event));
            if repeats_quietly(command) {
                let again = incident.decide(command);
                prop_assert!(
                    again.as_ref().map_or(true, Vec::is_empty),
                    "{command:?} again gave {again:?}"
                );
            }
        }
    }

    #[test]
    fn an_open_incident_waits_for_exactly_one_thing_and_its_cycle_never_falls(
        history in prop::collection::vec(command(), 0..40),
    ) {
        let mut incident = Incident::default();
        let mut cycle = 0;
        for command in &history {
            let Ok(events) = incident.decide(command) else { continue };
            events.iter().for_each(|event| incident.evolve(event));
            let Some(open) = incident.open() else { continue };
            prop_assert!(open.climb.cycle >= cycle.max(1));
            cycle = open.climb.cycle;
            let Climb { cycle, pass, level } = open.climb;
            let armed = match open.situation {
                Situation::Escalating { next_at } => Some(overdue(cycle, pass, level, next_at)),
                Situation::Held { until, .. } | Situation::Snoozed { until, .. } => {
                    Some(overdue(0, 0, 0, until))
                }
                Situation::Exhausted { .. } | Situation::Acknowledged { .. } => None,
            };
            if let Some(armed) = armed {
                // The armed step is decidable: when it is due it moves the incident on.
                prop_assert_eq!(incident.decide(&armed).map(|events| events.len()), Ok(1));
            }
        }
    }

    #[test]
    fn a_snoozed_incident_pages_nobody_before_its_time_unless_it_gets_worse_than_ever(
        history in prop::collection::vec(command(), 0..40),
    ) {
        let mut incident = Incident::default();
        for command in &history {
            let before = incident.open().cloned();
            let Ok(events) = incident.decide(command) else { continue };
            events.iter().for_each(|event| incident.evolve(event));
            let Some(OpenState { situation: Situation::Snoozed { until, .. }, worst, .. }) = before else {
                continue;
            };
            let may = events.iter().any(|event| match event {
                IncidentEvent::Escalated { cause: Cause::SnoozeEnded, at, .. }
                | IncidentEvent::Exhausted { cause: Cause::SnoozeEnded, at, .. } => *at >= until,
                IncidentEvent::SeverityRaised { to, .. } => *to > worst,
                _ => is_asked(command),
            });
            prop_assert!(may || reached(&events).is_none(), "{command:?} gave {events:?}");
        }
    }

    #[test]
    fn nobody_is_paged_between_an_acknowledgement_and_a_request_to_page(
        history in prop::collection::vec(command(), 0..40),
    ) {
        let mut incident = Incident::default();
        for command in &history {
            let was_acknowledged =
                incident.open().is_some_and(|open| matches!(open.situation, Situation::Acknowledged { .. }));
            let Ok(events) = incident.decide(command) else { continue };
            prop_assert!(!was_acknowledged || is_asked(command) || reached(&events).is_none());
            events.iter().for_each(|event| incident.evolve(event));
        }
    }
}
