//! When the silence of an integration is an alarm, and when it is not.

use domain::{
    Actor, Aggregate, IncidentId, Rejection, ServiceId, Timestamp, UserId,
    integration::{
        Heard, Integration, IntegrationCommand, IntegrationEvent, IntegrationKind, ProofChange, Reading,
        Silence, SilenceEnd, Watch, WatchChange, WatchCommand,
    },
};
use uuid::Uuid;

const START: Timestamp = Timestamp::from_millis(1_764_000_000_000);
const INCIDENT: IncidentId = IncidentId::new(Uuid::from_u128(9));
const SOMEBODY: Actor = Actor::User { id: UserId::new(Uuid::from_u128(1)) };

/// So many seconds after the start.
fn at(seconds: u64) -> Timestamp {
    START.plus_seconds(seconds)
}

fn create(kind: IntegrationKind, watch: Option<Watch>) -> IntegrationCommand {
    IntegrationCommand::CreateIntegration {
        name: "nightly".into(),
        kind,
        service: ServiceId::new(Uuid::from_u128(5)),
        key_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        signing_secret: None,
        verification: None,
        reading: Reading::default(),
        rate_limit: None,
        watch,
        unknown: vec![],
        at: START,
    }
}

/// A heartbeat that may be silent for a minute.
fn heartbeat() -> IntegrationCommand {
    create(IntegrationKind::Heartbeat, Some(Watch { after_seconds: 60 }))
}

fn update(enabled: Option<bool>, watch: WatchChange, seconds: u64) -> IntegrationCommand {
    IntegrationCommand::UpdateIntegration {
        name: None,
        service: None,
        enabled,
        key_hash: None,
        proof: ProofChange::default(),
        reading: None,
        rate_limit: None,
        watch,
        unknown: vec![],
        at: at(seconds),
    }
}

fn mute(reason: &str, until: Option<u64>, seconds: u64) -> IntegrationCommand {
    let (reason, until, by) = (reason.to_owned(), until.map(at), SOMEBODY);
    IntegrationCommand::Watch(WatchCommand::MuteIntegration { reason, until, by, at: at(seconds) })
}

fn unmute(seconds: u64) -> IntegrationCommand {
    IntegrationCommand::Watch(WatchCommand::UnmuteIntegration { at: at(seconds) })
}

fn note(heard: Option<u64>, seconds: u64) -> IntegrationCommand {
    let heard = heard.map(|seconds| heard_at(seconds, seconds));
    IntegrationCommand::Watch(WatchCommand::NoteSilence { heard, at: at(seconds) })
}

/// A message that came then, at a position in the log.
fn heard_at(seconds: u64, position: u64) -> Heard {
    Heard { at: at(seconds), position }
}

fn report(fell_at: u64) -> IntegrationCommand {
    let (fell_at, at) = (at(fell_at), at(fell_at));
    IntegrationCommand::Watch(WatchCommand::NoteReport { fell_at, incident: INCIDENT, at })
}

fn end(fell_at: u64, reason: SilenceEnd, seconds: u64) -> IntegrationCommand {
    IntegrationCommand::Watch(WatchCommand::EndSilence { fell_at: at(fell_at), reason, at: at(seconds) })
}

fn given(history: &[IntegrationCommand]) -> Integration {
    history.iter().fold(Integration::default(), |mut state, command| {
        for event in state.decide(command).expect("it is accepted") {
            state.evolve(&event);
        }
        state
    })
}

/// It was last heard at a position that is the number of the second, or never.
fn fell_silent(since: u64, seconds: u64) -> Vec<IntegrationEvent> {
    vec![IntegrationEvent::FellSilent { since: at(since), last: Some(since), at: at(seconds) }]
}

#[test]
fn a_heartbeat_is_watched_from_the_start_and_other_kinds_only_if_asked() {
    assert_eq!(given(&[create(IntegrationKind::Heartbeat, None)]).vigil.watch, Some(Watch::USUAL));
    assert_eq!(given(&[heartbeat()]).vigil.watch, Some(Watch { after_seconds: 60 }));
    assert_eq!(given(&[create(IntegrationKind::Generic, None)]).vigil.watch, None);
    assert_eq!(given(&[create(IntegrationKind::Generic, None)]).silent_at(None), None);
}

#[test]
fn a_watch_has_bounds_and_a_heartbeat_keeps_one() {
    let field = |history: &[IntegrationCommand], command: &IntegrationCommand| {
        given(history).decide(command).map_err(|why| why.field())
    };
    let refused = Err(Some("silentAfterSeconds".to_owned()));
    for after_seconds in [0, 29, 90 * 86_400 + 1] {
        let watch = Watch { after_seconds };
        assert_eq!(field(&[], &create(IntegrationKind::Generic, Some(watch))), refused);
        assert_eq!(field(&[heartbeat()], &update(None, WatchChange::Start(watch), 1)), refused);
    }
    assert_eq!(field(&[heartbeat()], &update(None, WatchChange::Stop, 1)), refused);
    let watched = create(IntegrationKind::Generic, Some(Watch::USUAL));
    let off = IntegrationEvent::WatchSet { watch: None, at: at(1) };
    assert_eq!(field(&[watched], &update(None, WatchChange::Stop, 1)), Ok(vec![off]));
}

#[test]
fn setting_the_watch_that_is_set_is_no_news() {
    let same = update(None, WatchChange::Start(Watch { after_seconds: 60 }), 30);
    assert_eq!(given(&[heartbeat()]).decide(&same), Ok(vec![]));
}

#[test]
fn it_is_silent_when_its_time_is_over_and_not_before() {
    let state = given(&[heartbeat()]);
    assert_eq!(state.silent_at(Some(at(10))), Some(at(70)));
    assert_eq!(state.decide(&note(Some(10), 69)), Ok(vec![]));
    assert_eq!(state.decide(&note(Some(10), 70)), Ok(fell_silent(10, 70)));
}

#[test]
fn one_that_was_never_heard_is_waited_for_from_the_start() {
    let state = given(&[heartbeat()]);
    assert_eq!(state.decide(&note(None, 59)), Ok(vec![]));
    assert_eq!(state.decide(&note(None, 60)), Ok(fell_silent(0, 60)));
}

#[test]
fn one_silence_is_noted_once() {
    let state = given(&[heartbeat(), note(None, 60)]);
    assert_eq!(state.decide(&note(None, 61)), Ok(vec![]));
    assert_eq!(state.silent_at(None), None);
}

#[test]
fn a_silence_has_one_incident_and_one_end() {
    let silent = [heartbeat(), note(Some(5), 65)];
    assert_eq!(given(&silent).decide(&report(64)), Ok(vec![]), "that is another silence");
    let [created, fell] = silent;
    let reported = given(&[created.clone(), fell.clone(), report(65)]);
    let silence = Silence { since: at(5), last: Some(5), fell_at: at(65), incident: Some(INCIDENT) };
    assert_eq!(reported.vigil.silence, Some(silence));
    assert_eq!(reported.decide(&report(65)), Ok(vec![]));
    assert_eq!(reported.silence_over(Some(heard_at(5, 5)), at(70)), None);
    assert_eq!(reported.silence_over(Some(heard_at(70, 70)), at(70)), Some(SilenceEnd::Heard));
    assert_eq!(reported.decide(&end(64, SilenceEnd::Heard, 70)), Ok(vec![]));
    let ended = IntegrationEvent::SilenceEnded { reason: SilenceEnd::Heard, at: at(70) };
    assert_eq!(reported.decide(&end(65, SilenceEnd::Heard, 70)), Ok(vec![ended]));

    let over = given(&[created, fell, report(65), end(65, SilenceEnd::Heard, 70)]);
    assert_eq!(over.decide(&end(65, SilenceEnd::Heard, 71)), Ok(vec![]));
    assert_eq!(over.decide(&note(Some(70), 130)), Ok(fell_silent(70, 130)));
}

#[test]
fn nobody_waits_for_one_that_is_disabled_and_enabling_begins_the_wait_anew() {
    let disabled = given(&[heartbeat(), update(Some(false), WatchChange::Keep, 30)]);
    assert_eq!(disabled.decide(&note(None, 600)), Ok(vec![]));
    let history =
        [heartbeat(), update(Some(false), WatchChange::Keep, 30), update(Some(true), WatchChange::Keep, 600)];
    assert_eq!(given(&history).silent_at(Some(at(20))), Some(at(660)));
}

#[test]
fn another_watch_begins_the_wait_anew() {
    let history = [heartbeat(), update(None, WatchChange::Start(Watch { after_seconds: 120 }), 50)];
    assert_eq!(given(&history).silent_at(Some(at(10))), Some(at(170)));
}

#[test]
fn a_mute_needs_a_reason_and_something_to_mute() {
    let field = |history: &[IntegrationCommand], command: &IntegrationCommand| {
        given(history).decide(command).map_err(|why| (why.code(), why.field())).expect_err("it is refused")
    };
    for reason in ["", " ", "two\nlines", &"x".repeat(501)] {
        let refusal = ("INVALID", Some("reason".to_owned()));
        assert_eq!(field(&[heartbeat()], &mute(reason, None, 1)), refusal, "{reason:?}");
    }
    let refusal = ("INVALID", Some("until".to_owned()));
    assert_eq!(field(&[heartbeat()], &mute("a move", Some(1), 1)), refusal);
    let refusal = ("CONFLICT", Some("integrationId".to_owned()));
    assert_eq!(field(&[create(IntegrationKind::Generic, None)], &mute("a move", None, 1)), refusal);
    assert_eq!(field(&[], &mute("a move", None, 1)), ("NOT_FOUND", None));
}

#[test]
fn a_mute_prevents_the_alarm_and_its_end_begins_the_wait_anew() {
    let muted = given(&[heartbeat(), mute("a move", None, 30)]);
    assert_eq!(muted.silent_at(None), None);
    assert_eq!(muted.decide(&note(None, 6000)), Ok(vec![]));
    assert_eq!(muted.decide(&mute("a move", None, 40)), Ok(vec![]));
    let unmuted = given(&[heartbeat(), mute("a move", None, 30), unmute(600)]);
    assert_eq!((unmuted.silent_at(None), unmuted.vigil.muted(at(600))), (Some(at(660)), None));
    assert_eq!(unmuted.decide(&unmute(601)), Ok(vec![]));
}

#[test]
fn a_mute_until_a_time_ends_by_itself() {
    let muted = given(&[heartbeat(), mute("a move", Some(600), 30)]);
    assert!(muted.vigil.muted(at(599)).is_some() && muted.vigil.muted(at(600)).is_none());
    assert_eq!(muted.silent_at(Some(at(20))), Some(at(660)));
    assert_eq!(muted.decide(&note(Some(20), 659)), Ok(vec![]));
    assert_eq!(muted.decide(&note(Some(20), 660)), Ok(fell_silent(20, 660)));
    assert_eq!(muted.decide(&unmute(600)), Ok(vec![]), "it has ended");
    let longer = mute("a long move", Some(900), 40);
    assert_eq!(given(&[heartbeat(), mute("a move", Some(600), 30), longer]).silent_at(None), Some(at(960)));
}

#[test]
fn after_a_clock_was_set_back_the_next_message_ends_a_silence_all_the_same() {
    let silent = given(&[heartbeat(), note(Some(3000), 3600)]);
    assert_eq!(silent.silence_over(Some(heard_at(3000, 3000)), at(601)), None, "that is the last one before");
    assert_eq!(silent.silence_over(Some(heard_at(600, 3001)), at(601)), Some(SilenceEnd::Heard));
    let never = given(&[heartbeat(), note(None, 60)]);
    assert_eq!(never.silence_over(Some(heard_at(0, 1)), at(0)), Some(SilenceEnd::Heard));
    // As silences were recorded before positions were kept.
    let since = given(&[heartbeat()]);
    let fell = IntegrationEvent::FellSilent { since: at(5), last: None, at: at(65) };
    let old = [fell].iter().fold(since, |mut state, event| {
        state.evolve(event);
        state
    });
    assert_eq!(old.silence_over(Some(heard_at(5, 9)), at(70)), None);
    assert_eq!(old.silence_over(Some(heard_at(6, 9)), at(70)), Some(SilenceEnd::Heard));
}

#[test]
fn a_silence_is_over_when_nobody_waits_any_more() {
    let generic = create(IntegrationKind::Generic, Some(Watch { after_seconds: 60 }));
    let silent_and = |then: IntegrationCommand| given(&[generic.clone(), note(None, 60), then]);
    let over = |then| silent_and(then).silence_over(None, at(71));
    assert_eq!(over(mute("a move", None, 70)), Some(SilenceEnd::Muted));
    assert_eq!(over(mute("a short move", Some(71), 70)), None, "the mute has ended already");
    assert_eq!(over(update(Some(false), WatchChange::Keep, 70)), Some(SilenceEnd::Disabled));
    assert_eq!(over(update(None, WatchChange::Stop, 70)), Some(SilenceEnd::Unwatched));
    let other = update(None, WatchChange::Start(Watch { after_seconds: 600 }), 70);
    assert_eq!(over(other), None, "it is silent until it is heard");
}

#[test]
fn a_watch_that_ends_takes_its_mute_along() {
    let generic = create(IntegrationKind::Generic, Some(Watch::USUAL));
    let again = update(None, WatchChange::Start(Watch::USUAL), 20);
    let state = given(&[generic, mute("a move", None, 5), update(None, WatchChange::Stop, 10), again]);
    assert_eq!((state.vigil.mute.clone(), state.silent_at(None)), (None, Some(at(320))));
}
