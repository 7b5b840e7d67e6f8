//! Whatever libFuzzer found worth keeping, without libFuzzer: the same properties over the corpus of `fuzz/`.

use std::{fs, panic, path::PathBuf};

#[path = "../../../fuzz/src/lib.rs"]
pub mod properties;

/// Panics, with the name of the file, unless the property holds for every file of a target.
fn holds_for(target: &str, property: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files = 0;
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let data = fs::read(&path).expect("a file of the corpus");
        let outcome = panic::catch_unwind(|| property(&data));
        assert!(outcome.is_ok(), "it does not hold for {}", path.display());
        files += 1;
    }
    assert!(files > 10, "the corpus is not where it was");
}

#[test]
fn expressions_yield_the_same_each_time_or_say_where_they_are_wrong() {
    holds_for("expressions", properties::expressions::check);
}

#[test]
fn json_is_what_serde_json_reads() {
    holds_for("json", properties::json::check);
}

#[test]
fn every_mail_is_understood() {
    holds_for("mails", properties::mails::check);
}

#[test]
fn messages_become_fitting_alerts_or_reasons() {
    holds_for("messages", properties::messages::check);
}

#[test]
fn a_signature_is_genuine_or_refused_and_known_again_however_it_is_written() {
    holds_for("signatures", properties::signatures::check);
}

#[test]
fn no_message_is_believed_to_be_amazons_that_is_not() {
    holds_for("sns", properties::sns::check);
}

#[test]
fn what_a_mail_client_says_is_answered_and_what_is_accepted_is_stored() {
    holds_for("smtp", properties::smtp::check);
}
