use chrono::NaiveDateTime;
use chrono_tz::Tz;
use uuid::Uuid;

use super::*;
use crate::{
    Actor, LayerId, OverrideId, SwapId,
    schedule::{
        Change, Edit, Layer, Rotation, Schedule, ScheduleCommand, Span, Tzdb, Version, Window, Zones,
    },
};

const MIDNIGHT: u64 = 1_793_577_600; // 2026-11-02T00:00:00Z, a Monday

fn at(hours: u64) -> Timestamp {
    Timestamp::from_millis(0).plus_seconds(MIDNIGHT + hours * 3600)
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn local(text: &str) -> NaiveDateTime {
    text.parse().expect("a local time")
}

fn user(number: u128) -> UserId {
    UserId::new(Uuid::from_u128(number))
}

fn id() -> ScheduleId {
    ScheduleId::new(Uuid::from_u128(100))
}

/// Ada and Bob by turns of a day from Monday at 09:00 in a zone.
fn daily(zone: &str, people: &[u128]) -> Schedule {
    let slots = people.iter().map(|one| vec![user(*one)]).collect();
    let layer = Layer::simple(
        LayerId::ONLY,
        "On call",
        Rotation::Daily { every: 1 },
        local("2026-11-02T09:00:00"),
        slots,
    );
    made(Version { effective_from: at(0), time_zone: zone.to_owned(), layers: vec![layer] })
}

fn made(version: Version) -> Schedule {
    let command = ScheduleCommand::CreateSchedule {
        name: "Primary".to_owned(),
        team: None,
        version,
        unknown: vec![],
        at: at(0),
    };
    Schedule::default().tried(&command).expect("it is made")
}

fn zones() -> std::sync::Arc<dyn Zones> {
    std::sync::Arc::new(Tzdb::bundled())
}

fn told(schedule: &Schedule, within: Span, settings: &ShiftNotices) -> Vec<(Timestamp, UserId, About)> {
    let timetable = schedule.timetable(&*zones()).expect("it is good");
    let due = agenda(id(), schedule, &timetable, within, |_| Some(settings), settings.longest());
    let due = due.expect("it is short").into_iter();
    due.map(|due| (due.at, due.matter.user, due.matter.about)).collect()
}

mod the_aggregate {
    use super::*;

    fn matter() -> Matter {
        Matter { user: user(1), schedule: Some(id()), about: About::ShiftBegan { start: at(9) } }
    }

    fn request() -> NoticeCommand {
        NoticeCommand::RequestNotice { matter: matter(), due_at: at(9), decided_at: 1, at: at(9) }
    }

    fn fail(attempt: u32, permanent: bool) -> NoticeCommand {
        let (code, detail) = ("unreachable".to_owned(), String::new());
        NoticeCommand::RecordFailed { attempt, code, detail, permanent, retry_after: None, at: at(9) }
    }

    fn sent() -> NoticeCommand {
        NoticeCommand::RecordSent { attempt: 1, provider: "smtp".into(), reference: None, at: at(9) }
    }

    fn after(commands: &[NoticeCommand]) -> Notice {
        commands.iter().fold(Notice::default(), |mut notice, command| {
            for event in notice.decide(command).expect("no command is refused") {
                notice.evolve(&event);
            }
            notice
        })
    }

    #[test]
    fn asking_twice_requests_once() {
        assert_eq!(after(&[request()]).decide(&request()), Ok(vec![]));
        assert_eq!(after(&[request(), sent()]).decide(&request()), Ok(vec![]));
    }

    #[test]
    fn a_failure_is_tried_again_until_it_is_given_up() {
        let failures = (1..MAX_ATTEMPTS).map(|attempt| fail(attempt, false));
        let mut notice = after(&[request()].into_iter().chain(failures).collect::<Vec<_>>());
        assert!(matches!(notice, Notice::Open { failed, .. } if failed == MAX_ATTEMPTS - 1), "{notice:?}");
        for event in notice.decide(&fail(MAX_ATTEMPTS, false)).expect("it is recorded") {
            notice.evolve(&event);
        }
        assert_eq!(notice, Notice::Done);
        assert_eq!(after(&[request(), fail(1, true)]), Notice::Done);
    }

    #[test]
    fn the_same_failure_reported_twice_counts_once() {
        assert_eq!(after(&[request(), fail(1, false)]).decide(&fail(1, false)), Ok(vec![]));
    }

    #[test]
    fn what_is_sent_is_not_withdrawn_and_what_nobody_asked_for_is_not_sent() {
        let withdraw = NoticeCommand::WithdrawNotice { reason: Withheld::Moved, at: at(9) };
        assert_eq!(after(&[request(), sent()]).decide(&withdraw), Ok(vec![]));
        assert_eq!(after(&[request(), withdraw]), Notice::Done);
        assert_eq!(Notice::Absent.decide(&sent()), Err(NoticeRejection::NotFound));
    }

    #[test]
    fn a_notice_has_one_id_for_each_shift_and_lead_and_another_for_everything_else() {
        let starts =
            |start, lead_minutes| Matter { about: About::ShiftStarts { start, lead_minutes }, ..matter() };
        assert_eq!(starts(at(9), 60).id(), starts(at(9), 60).id());
        let ids = [
            matter().id(),
            starts(at(9), 60).id(),
            starts(at(9), 1440).id(),
            starts(at(10), 60).id(),
            Matter { user: user(2), ..starts(at(9), 60) }.id(),
            Matter { schedule: None, ..starts(at(9), 60) }.id(),
            Matter { about: About::ShiftEnds { end: at(9), lead_minutes: 60 }, ..matter() }.id(),
        ];
        let different: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
    }

    #[test]
    fn edits_of_the_same_minute_are_told_once() {
        let moved =
            |since_version| Matter { about: About::ShiftsMoved { since_version, until: at(9) }, ..matter() };
        assert_eq!(moved(3).id(), moved(4).id());
    }
}

#[test]
fn a_shift_is_told_a_day_and_an_hour_before_it_begins_and_when_it_begins() {
    let within = Span { start: at(9), end: at(9 + 48) };
    let all = told(&daily("UTC", &[1, 2, 3]), within, &ShiftNotices::default());
    let second: Vec<_> = all.into_iter().filter(|(_, who, _)| *who == user(2)).collect();
    let start = at(33);
    assert_eq!(
        second,
        [
            (at(32), user(2), About::ShiftStarts { start, lead_minutes: 60 }),
            (at(33), user(2), About::ShiftBegan { start }),
            // It ends 24 hours after it begins; that is not told before it has begun.
            (at(56), user(2), About::ShiftEnds { end: at(57), lead_minutes: 60 }),
        ]
    );
}

#[test]
fn leads_are_elapsed_time_also_across_a_change_of_the_clocks() {
    // Berlin's clocks go forward on 2027-03-28 at 02:00: the day before the shift has 23 hours.
    let schedule = daily("Europe/Berlin", &[1, 2]);
    let start = time("2027-03-28T07:00:00Z");
    let within = Span { start: time("2027-03-26T12:00:00Z"), end: time("2027-03-28T12:00:00Z") };
    let all = told(&schedule, within, &ShiftNotices::default());
    let starts: Vec<_> = all
        .iter()
        .filter_map(|(at, _, about)| match about {
            About::ShiftStarts { start: one, lead_minutes } if *one == start => Some((*at, *lead_minutes)),
            _ => None,
        })
        .collect();
    assert_eq!(starts, [(time("2027-03-27T07:00:00Z"), 1440), (time("2027-03-28T06:00:00Z"), 60)]);
}

#[test]
fn who_goes_on_over_several_turns_has_one_shift() {
    let within = Span { start: at(9), end: at(9 + 24 * 7) };
    let starts = told(&daily("UTC", &[1, 1, 2]), within, &ShiftNotices::default());
    let began =
        starts.iter().filter(|(_, who, about)| *who == user(1) && matches!(about, About::ShiftBegan { .. }));
    assert_eq!(began.count(), 2, "two shifts of two days begin in a week");
}

#[test]
fn nothing_is_told_to_those_who_switched_it_off() {
    let off = ShiftNotices { enabled: false, ..ShiftNotices::default() };
    assert_eq!(told(&daily("UTC", &[1, 2]), Span { start: at(9), end: at(100) }, &off), []);
    let only = ShiftNotices { end_lead_minutes: vec![], handoffs: false, ..ShiftNotices::default() };
    let all = told(&daily("UTC", &[1, 2]), Span { start: at(9), end: at(100) }, &only);
    assert!(!all.is_empty() && all.iter().all(|(.., about)| matches!(about, About::ShiftStarts { .. })));
}

#[test]
fn two_ranges_one_after_the_other_tell_what_one_range_tells() {
    let schedule = daily("Europe/Berlin", &[1, 2, 1]);
    let settings = ShiftNotices::default();
    let whole = told(&schedule, Span { start: at(5), end: at(200) }, &settings);
    for cut in 6..199 {
        let mut parts = told(&schedule, Span { start: at(5), end: at(cut) }, &settings);
        parts.extend(told(&schedule, Span { start: at(cut), end: at(200) }, &settings));
        assert_eq!(parts, whole, "cut at {cut}");
    }
}

#[test]
fn gaps_are_found_ahead_and_look_the_same_every_day() {
    let mut schedule = daily("America/New_York", &[1]);
    let nine_to_five = Window::Daily {
        from: local("2026-11-02T09:00:00").time(),
        to: local("2026-11-02T17:00:00").time(),
        days: vec![],
    };
    schedule.versions[0].layers[0].restrictions = vec![nine_to_five];
    let zone = zones().zone(Tz::America__New_York);
    let timetable = schedule.timetable(&*zones()).expect("it is good");
    let found = |at| gaps_ahead(&timetable, &zone, at).expect("it is short").expect("there are gaps");
    let check = next_check(&zone, at(24 * 10));
    assert_eq!(zone.wall_clock(check).format("%H:%M").to_string(), "09:00");
    let first = found(check);
    assert!(first.spans.iter().all(|gap| gap.start >= check), "none lies in the past");
    assert_eq!(first.spans.len(), 30);
    let next = found(next_check(&zone, check));
    assert_eq!((&first.month, &first.shape), (&next.month, &next.shape));
    // Across the change of the clocks, too.
    assert_eq!(found(time("2027-03-01T14:00:00Z")).shape, first.shape);
    // In the middle of a gap, what is left of it.
    let night = found(check.plus_seconds(12 * 3600));
    assert_eq!(night.spans[0].start, check.plus_seconds(12 * 3600));
    let whole = daily("UTC", &[1, 2]).timetable(&*zones()).expect("it is good");
    assert_eq!(gaps_ahead(&whole, &zone, at(24)), Ok(None));
}

#[test]
fn the_hour_of_the_check_follows_the_wall_clock() {
    let zone = zones().zone(Tz::Europe__Berlin);
    let before = next_check(&zone, time("2027-03-27T12:00:00Z"));
    assert_eq!(before, time("2027-03-28T07:00:00Z"));
    assert_eq!(next_check(&zone, before), time("2027-03-29T07:00:00Z"));
    assert_eq!(next_check(&zone, time("2027-03-26T07:00:00Z")), time("2027-03-26T08:00:00Z"));
}

mod changes {
    use super::*;

    fn cover(schedule: &Schedule, from: u128, to: u128, span: Span, at: Timestamp) -> ScheduleCommand {
        let _ = schedule;
        ScheduleCommand::AddOverride {
            id: OverrideId::new(Uuid::from_u128(7)),
            change: Change::Replace { from: user(from), to: user(to) },
            span,
            reason: "sick".to_owned(),
            by: Actor::Administrator,
            unknown: vec![],
            at,
        }
    }

    /// What the last event of a command tells.
    fn told_after(schedule: &Schedule, command: &ScheduleCommand, at: Timestamp) -> (Schedule, Vec<Due>) {
        let mut before = schedule.clone();
        let mut due = vec![];
        for event in schedule.decide(command).expect("it is allowed") {
            let mut after = before.clone();
            after.evolve(&event);
            due.extend(after_event(id(), &event, 5, [&before, &after], &*zones(), at).expect("it is good"));
            before = after;
        }
        (before, due)
    }

    fn people(due: &[Due], word: &str) -> Vec<UserId> {
        due.iter().filter(|due| due.matter.about.word() == word).map(|due| due.matter.user).collect()
    }

    #[test]
    fn an_override_tells_both_once_the_minute_is_over() {
        let schedule = daily("UTC", &[1, 2, 3]);
        let now = at(10).plus_seconds(7);
        let span = Span { start: at(34), end: at(36) };
        let (_, due) = told_after(&schedule, &cover(&schedule, 2, 3, span, now), now);
        assert_eq!(people(&due, "shifts_moved"), [user(2), user(3)]);
        assert!(due.iter().all(|due| due.at == at(10).plus_seconds(60)));
    }

    #[test]
    fn what_moves_nobody_tells_nobody() {
        let schedule = daily("UTC", &[1, 2]);
        let rename = ScheduleCommand::UpdateSchedule {
            name: Some("Secondary".to_owned()),
            edit: None,
            unknown: vec![],
            at: at(10),
        };
        assert_eq!(told_after(&schedule, &rename, at(10)).1, []);
    }

    #[test]
    fn an_edit_tells_everybody_whose_shifts_change_and_that_an_override_finds_nobody() {
        let schedule = daily("UTC", &[1, 2, 3]);
        // The second is relieved on the second day.
        let span = Span { start: at(34), end: at(36) };
        let (schedule, _) = told_after(&schedule, &cover(&schedule, 2, 1, span, at(10)), at(10));
        let mut layers = schedule.versions[0].layers.clone();
        layers[0].participants = vec![vec![user(1)], vec![user(3)]];
        let edit = Edit {
            effective_from: Some(at(12)),
            time_zone: "UTC".to_owned(),
            layers,
            keep_current: true,
            revision: None,
            zones: zones(),
        };
        let command =
            ScheduleCommand::UpdateSchedule { name: None, edit: Some(edit), unknown: vec![], at: at(12) };
        let (_, due) = told_after(&schedule, &command, at(12));
        assert_eq!(people(&due, "shifts_moved"), [user(1), user(2), user(3)]);
        assert_eq!(people(&due, "override_idle"), [user(1), user(2)]);
    }

    #[test]
    fn both_are_told_what_becomes_of_a_swap() {
        let schedule = daily("UTC", &[1, 2, 3]);
        let swap = SwapId::new(Uuid::from_u128(9));
        let give = Span { start: at(33), end: at(57) };
        let request = ScheduleCommand::RequestSwap {
            id: swap,
            from: user(2),
            to: Some(user(3)),
            give,
            take: None,
            reason: String::new(),
            unknown: vec![],
            at: at(10),
            zones: zones(),
        };
        let (asked, due) = told_after(&schedule, &request, at(10));
        assert_eq!(people(&due, "swap_changed"), [user(2), user(3)]);
        let accept = ScheduleCommand::AcceptSwap {
            id: swap,
            by: user(3),
            unknown: vec![],
            at: at(11),
            zones: zones(),
        };
        let (taken, due) = told_after(&asked, &accept, at(11));
        assert_eq!(people(&due, "swap_changed"), [user(2), user(3)]);
        assert_eq!(people(&due, "shifts_moved"), [], "who is told of the swap need not be told twice");
        let undo = ScheduleCommand::UndoSwap { id: swap, by: None, at: at(12) };
        let (_, due) = told_after(&taken, &undo, at(12));
        assert_eq!(people(&due, "swap_changed"), [user(2), user(3)]);
        // Nobody answers until its time has passed.
        let expired = told(&asked, Span { start: at(56), end: at(58) }, &ShiftNotices::default());
        let expired = expired.iter().filter(|(when, _, about)| {
            *when == at(57) && matches!(about, About::SwapChanged { step: SwapStep::Expired, .. })
        });
        assert_eq!(expired.count(), 2);
    }

    #[test]
    fn a_swap_that_anybody_may_take_is_told_everybody() {
        let schedule = daily("UTC", &[1, 2, 3]);
        let request = ScheduleCommand::RequestSwap {
            id: SwapId::new(Uuid::from_u128(9)),
            from: user(2),
            to: None,
            give: Span { start: at(33), end: at(57) },
            take: None,
            reason: String::new(),
            unknown: vec![],
            at: at(10),
            zones: zones(),
        };
        let (_, due) = told_after(&schedule, &request, at(10));
        assert_eq!(people(&due, "swap_changed"), [user(1), user(2), user(3)]);
    }
}
