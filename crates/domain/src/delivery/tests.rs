//! Given a delivery, when it is asked for something, then what happens.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::UserId;

const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);

fn through(number: u128) -> IntegrationId {
    IntegrationId::new(Uuid::from_u128(number))
}

fn received() -> DeliveryEvent {
    DeliveryEvent::Received {
        integration: through(7),
        format: IntegrationKind::Generic,
        service: ServiceId::new(Uuid::from_u128(4)),
        proof: Proof::Key,
        body: RawBody::Text("{}".to_owned()),
        envelope: Envelope::default(),
        mistimed: None,
        at: AT,
    }
}

fn conclude(findings: Vec<Finding>) -> DeliveryCommand {
    DeliveryCommand::ConcludeDelivery { integration: through(7), findings, at: AT }
}

/// That the whole message was not understood.
fn rejected() -> Finding {
    Finding::whole(Verdict::Rejected, "no title")
}

/// That a rule drops these problems.
fn dropped(rule: &str, problems: &[&str]) -> Finding {
    let problems = problems.iter().map(|key| (*key).to_owned()).collect();
    let rule = Some(rule.to_owned());
    Finding {
        verdict: Verdict::Suppressed,
        reason: "it is a test".to_owned(),
        rule,
        incident: None,
        problems,
    }
}

/// That nothing was ever opened for these problems.
fn unknown(problems: impl IntoIterator<Item = String>) -> Finding {
    let problems = problems.into_iter().collect();
    Finding { problems, ..Finding::whole(Verdict::Ignored, "nothing was ever opened for this key") }
}

/// What is recorded of a finding.
fn concluded(finding: Finding) -> DeliveryEvent {
    let Finding { verdict, reason, rule, incident, problems } = finding;
    DeliveryEvent::Concluded { integration: through(7), verdict, reason, rule, incident, problems, at: AT }
}

fn by() -> Actor {
    Actor::User { id: UserId::new(Uuid::from_u128(1)) }
}

fn replay(integration: IntegrationId) -> DeliveryCommand {
    DeliveryCommand::ReplayDelivery { integration, by: by(), at: AT }
}

fn replayed() -> DeliveryEvent {
    DeliveryEvent::ReplayRequested { integration: through(7), by: by(), at: AT }
}

fn given(history: &[DeliveryEvent]) -> Delivery {
    Delivery::replay(history)
}

#[test]
fn a_message_is_concluded_once() {
    let command = conclude(vec![rejected()]);
    assert_eq!(given(&[received()]).decide(&command), Ok(vec![concluded(rejected())]));
    assert_eq!(given(&[received(), concluded(rejected())]).decide(&command), Ok(vec![]));
    let other = conclude(vec![Finding::whole(Verdict::Ignored, "the message asks for nothing")]);
    assert_eq!(given(&[received(), concluded(rejected())]).decide(&other), Ok(vec![]));
    assert_eq!(given(&[]).decide(&command), Err(DeliveryRejection::NotFound));
}

#[test]
fn each_finding_about_alerts_of_a_message_is_recorded_with_its_rule() {
    let findings = vec![dropped("tests", &["a", "b"]), dropped("noise", &["c"]), unknown(["d".to_owned()])];
    let events: Vec<_> = findings.iter().cloned().map(concluded).collect();
    assert_eq!(given(&[received()]).decide(&conclude(findings)), Ok(events));
}

#[test]
fn findings_that_say_the_same_are_recorded_together_and_each_problem_once() {
    let own = |key: &str| unknown([key.to_owned()]);
    let findings = vec![own("a"), dropped("tests", &["b"]), own("c"), own("a")];
    let together = unknown(["a".to_owned(), "c".to_owned()]);
    assert_eq!(
        given(&[received()]).decide(&conclude(findings)),
        Ok(vec![concluded(together), concluded(dropped("tests", &["b"]))])
    );
}

#[test]
fn what_is_concluded_about_a_problem_is_not_concluded_again_and_the_rest_is() {
    let history = [received(), concluded(dropped("tests", &["a"]))];
    let command = conclude(vec![dropped("others", &["a", "b"]), unknown(["a".to_owned(), "c".to_owned()])]);
    assert_eq!(
        given(&history).decide(&command),
        Ok(vec![concluded(dropped("others", &["b"])), concluded(unknown(["c".to_owned()]))])
    );
    assert!(given(&history).has_concluded("a") && !given(&history).has_concluded("b"));
    assert_eq!(given(&history).decide(&conclude(vec![rejected()])), Ok(vec![]), "its alerts have the word");
}

#[test]
fn a_conclusion_about_the_whole_message_is_about_each_of_its_alerts() {
    // As they were recorded before alerts were named.
    let history = [received(), concluded(rejected())];
    assert!(given(&history).has_concluded("a"));
    assert_eq!(given(&history).decide(&conclude(vec![dropped("tests", &["a"])])), Ok(vec![]));
}

#[test]
fn one_event_speaks_of_64_problems_at_most() {
    let keys = |from: usize, to: usize| (from..to).map(|number| format!("host {number}"));
    assert_eq!(
        given(&[received()]).decide(&conclude(vec![unknown(keys(0, 150))])),
        Ok(vec![
            concluded(unknown(keys(0, 64))),
            concluded(unknown(keys(64, 128))),
            concluded(unknown(keys(128, 150))),
        ])
    );
}

#[test]
fn a_message_can_be_decided_again_whatever_became_of_it() {
    let (whole, part) = (concluded(rejected()), concluded(dropped("tests", &["a"])));
    for history in [vec![received()], vec![received(), whole.clone()], vec![received(), part, replayed()]] {
        assert_eq!(given(&history).decide(&replay(through(7))), Ok(vec![replayed()]), "{history:?}");
    }
    let again = [received(), whole.clone(), replayed()];
    assert_eq!(
        given(&again).decide(&conclude(vec![rejected()])),
        Ok(vec![whole]),
        "each replay has its verdict"
    );
}

fn finding() -> impl Strategy<Value = Finding> {
    let rule = prop_oneof![Just(None), Just(Some("tests".to_owned()))];
    let verdict = prop_oneof![Just(Verdict::Suppressed), Just(Verdict::Ignored)];
    let problems = prop::collection::vec((0..200_u8).prop_map(|key| key.to_string()), 0..90);
    (verdict, rule, problems).prop_map(|(verdict, rule, problems)| Finding {
        rule,
        problems,
        ..Finding::whole(verdict, "because")
    })
}

proptest! {
    #[test]
    fn a_conclusion_judged_again_after_its_own_events_yields_none(
        commands in prop::collection::vec(prop::collection::vec(finding(), 0..6), 0..6),
    ) {
        let mut history = vec![received()];
        for findings in commands {
            let command = conclude(findings.clone());
            let events = given(&history).decide(&command).expect("it is stored");
            for event in &events {
                let DeliveryEvent::Concluded { problems, .. } = event else { panic!("{event:?}") };
                prop_assert!(problems.len() <= Finding::MAX_PROBLEMS);
            }
            history.extend(events);
            prop_assert_eq!(given(&history).decide(&command), Ok(vec![]));
            for key in findings.iter().flat_map(|finding| &finding.problems) {
                prop_assert!(given(&history).has_concluded(key), "{} has its answer", key);
            }
        }
    }
}

#[test]
fn nothing_is_replayed_that_did_not_come_through_the_entrance() {
    assert_eq!(given(&[]).decide(&replay(through(7))), Err(DeliveryRejection::NotFound));
    assert_eq!(given(&[received()]).decide(&replay(through(8))), Err(DeliveryRejection::NotFound));
    assert_eq!(
        given(&[received(), concluded(rejected())]).decide(&replay(through(8))),
        Err(DeliveryRejection::NotFound)
    );
}

#[test]
fn a_replay_concerns_the_entrance_and_whoever_asked_for_it() {
    let told: Vec<_> = replayed().subjects().iter().map(|one| one.as_str()[..4].to_owned()).collect();
    assert_eq!(told, ["int_", "usr_"]);
}
