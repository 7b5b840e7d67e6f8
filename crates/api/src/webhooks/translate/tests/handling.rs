//! Messages through what somebody wrote down about how to read them.

use domain::{
    expression::Expression,
    integration::{Handling, Mapping},
};

use super::{super::understand, *};

/// The one alert of a message whose title is read by an expression.
fn titled(by: &str, body: &str) -> Translated {
    let title = Some(Expression::parse(by).expect("it is right"));
    let handling =
        Handling { mapping: Mapping { title, ..Mapping::default() }.into(), ..Handling::default() };
    let read =
        understand(IntegrationKind::Generic, &Envelope::default(), body.as_bytes(), DELIVERY, &handling);
    let Ok(Meaning::Alerts(mut alerts)) = read else { panic!("{read:?}") };
    assert_eq!(alerts.len(), 1);
    alerts.remove(0)
}

#[test]
fn words_of_which_nothing_can_be_seen_are_no_title() {
    let alert = titled("payload.words", r#"{"title":"disk full","words":"\u0000\u0007"}"#);
    assert_eq!(alert.title, "disk full");
    assert_eq!(alert.ruling.remarks, ["the mapping of title failed: it says nothing"]);

    let alert = titled("payload.words", r#"{"title":"\u0000","words":"\u0007"}"#);
    assert_eq!(alert.title, "An alert without a title");
}
