//! What people read about a silence.

use domain::integration::{Heard, Integration, Silence, SilenceEnd};

/// The title of the incident.
pub(super) fn title(name: &str, silence: Silence) -> String {
    format!("{name} has been silent for {}", span(silence.fell_at.since(silence.since).as_secs()))
}

/// What stands below it.
pub(super) fn details(state: &Integration, silence: Silence, heard: Option<Heard>) -> String {
    let since = silence.since;
    let last = match heard {
        Some(_) => format!("The last message came at {since}."),
        None => format!("No message ever came; the first one has been waited for since {since}."),
    };
    let allowed = state.vigil.watch.map(|watch| span(watch.after_seconds.into()));
    let allowed = allowed.map(|span| format!(" It may be silent for {span}.")).unwrap_or_default();
    format!(
        "{last}{allowed}\n\n\
         Look whether what sends is running, whether it reaches Midwatch, and whether its key or its secret was \
         replaced. Whatever it would have reported since then is not known here.\n\n\
         The next message resolves this incident. If the silence is expected, mute the integration and say why."
    )
}

/// The note with which the incident is resolved.
pub(super) fn end(state: &Integration, reason: SilenceEnd, heard: Option<Heard>) -> String {
    match reason {
        SilenceEnd::Heard => match heard {
            Some(heard) => format!("It was heard again at {}", heard.at),
            None => "It was heard again".to_owned(),
        },
        SilenceEnd::Muted => match &state.vigil.mute {
            Some(mute) => format!("It was muted: {}", mute.reason),
            None => "It was muted".to_owned(),
        },
        SilenceEnd::Disabled => "The integration was disabled".to_owned(),
        SilenceEnd::Unwatched => "The integration is not watched any more".to_owned(),
    }
}

/// So many seconds in the two largest units that say something.
fn span(seconds: u64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    let parts = units.iter().scan(seconds, |rest, (size, unit)| {
        let count = *rest / size;
        *rest %= size;
        Some((count, *unit))
    });
    let said: Vec<_> = parts
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if said.is_empty() { "no time".to_owned() } else { said.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_in_its_two_largest_units() {
        let said = [0, 1, 30, 60, 600, 3600, 5400, 86_400, 90_061, 7_776_000].map(span);
        let expected = [
            "no time",
            "1 second",
            "30 seconds",
            "1 minute",
            "10 minutes",
            "1 hour",
            "1 hour 30 minutes",
            "1 day",
            "1 day 1 hour",
            "90 days",
        ];
        assert_eq!(said, expected);
    }
}
