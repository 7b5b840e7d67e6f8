//! Rotations by a rule of RFC 5545: which rules are allowed, and the handoffs that they lead to.
//!
//! Rules are expanded on floating time, written as UTC, and never inside a zone, where handoffs at
//! midnight changes would be lost. What was expanded is kept, so that finding a turn is a search.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use chrono::NaiveDateTime;
use rrule::{Frequency, NWeekday, RRule, RRuleSet, RRuleSetIter, Unvalidated};

use super::zone::{Minute, minutes};

/// Within how many days of the first handoff another one must follow: five years.
const MUST_FOLLOW: i64 = 5 * 366;
/// The most handoffs that a day may have.
const MAX_A_DAY: usize = 24;
/// What a rule may say.
const ALLOWED: [&str; 9] =
    ["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYHOUR", "BYMINUTE", "WKST"];
/// The longest rule that is read.
const MAX_LENGTH: usize = 500;
/// How many minutes the first stretch of handoffs covers: a year. Each next one covers twice as much.
const STRETCH: Minute = 366 * 24 * 60;
/// How many stretches there are: 127 years in all. After them the rule has ended.
const STRETCHES: usize = 7;

/// Rules that were read. Layers with the same rule and start share what was expanded.
#[derive(Debug, Default)]
pub(super) struct Rules(HashMap<(String, NaiveDateTime), Rule>);

impl Rules {
    pub(super) fn read(&mut self, rule: &str, start: NaiveDateTime) -> Result<Rule, String> {
        let key = (rule.to_owned(), start);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let read = Rule::read(rule, start)?;
        self.0.insert(key, read.clone());
        Ok(read)
    }
}

/// A rule that was found good, anchored at its first handoff.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    /// It is a fixed period after all, in minutes.
    Every(Minute),
    /// Handoffs as the calendar has them.
    Listed(Arc<Handoffs>),
}

impl Rule {
    /// Reads a rule, or says what is wrong with it, worded to follow a field's name.
    pub(super) fn read(rule: &str, start: NaiveDateTime) -> Result<Self, String> {
        if rule.len() > MAX_LENGTH {
            return Err(format!("must have at most {MAX_LENGTH} characters"));
        }
        let parts = parts(rule)?;
        let interval = interval(&parts)?;
        let parsed: RRule<Unvalidated> = rule.parse().map_err(|error| refusal(&error))?;
        check(&parsed, &parts)?;
        let simple = parts.iter().all(|(name, _)| matches!(name.as_str(), "FREQ" | "INTERVAL" | "WKST"));
        match parsed.get_freq() {
            Frequency::Hourly if simple => return Ok(Self::Every(interval * 60)),
            Frequency::Daily if simple => return Ok(Self::Every(interval * 24 * 60)),
            Frequency::Weekly if simple => return Ok(Self::Every(interval * 7 * 24 * 60)),
            _ => {}
        }
        let anchor = start.and_utc().with_timezone(&rrule::Tz::UTC);
        let handoffs = Handoffs::new(&parsed.build(anchor).map_err(|error| refusal(&error))?, start);
        // Not by the list, which would be expanded for a whole stretch.
        let mut occurrences = handoffs.begin.clone().map(|one| one.timestamp().div_euclid(60));
        let follows = occurrences.find(|minute| *minute > handoffs.start);
        if follows.is_none_or(|next| next - handoffs.start > MUST_FOLLOW * 24 * 60) {
            return Err("must have an occurrence in the five years after the rotation's start".to_owned());
        }
        Ok(Self::Listed(Arc::new(handoffs)))
    }
}

/// The names and values of a rule, in capitals.
fn parts(rule: &str) -> Result<Vec<(String, String)>, String> {
    let mut parts: Vec<(String, String)> = vec![];
    for part in rule.split(';') {
        let (name, value) =
            part.split_once('=').ok_or("must be a rule such as FREQ=WEEKLY;BYDAY=MO,FR".to_owned())?;
        let (name, value) = (name.to_ascii_uppercase(), value.to_ascii_uppercase());
        if !ALLOWED.contains(&name.as_str()) {
            let shown: String = name.chars().take(40).collect();
            return Err(format!("must not use {shown}; allowed are {}", ALLOWED.join(", ")));
        }
        if parts.iter().any(|(known, _)| *known == name) {
            return Err(format!("must not name {name} twice"));
        }
        parts.push((name, value));
    }
    Ok(parts)
}

fn interval(parts: &[(String, String)]) -> Result<Minute, String> {
    let Some((_, value)) = parts.iter().find(|(name, _)| name == "INTERVAL") else { return Ok(1) };
    match value.parse::<u16>() {
        Ok(0) | Err(_) => Err("must have an INTERVAL from 1 to 65535".to_owned()),
        Ok(interval) => Ok(interval.into()),
    }
}

fn check(rule: &RRule<Unvalidated>, parts: &[(String, String)]) -> Result<(), String> {
    let frequency = rule.get_freq();
    if matches!(frequency, Frequency::Minutely | Frequency::Secondly) {
        return Err("must not have handoffs more often than hourly".to_owned());
    }
    let ordinal = rule.get_by_weekday().iter().any(|day| matches!(day, NWeekday::Nth(..)));
    if ordinal && !matches!(frequency, Frequency::Monthly | Frequency::Yearly) {
        return Err("must number the days in BYDAY only with FREQ=MONTHLY or FREQ=YEARLY".to_owned());
    }
    let named = |name: &str| parts.iter().any(|(known, _)| known == name);
    let selecting = ["BYDAY", "BYMONTHDAY", "BYMONTH", "BYHOUR", "BYMINUTE"];
    if named("BYSETPOS") && !selecting.iter().any(|name| named(name)) {
        return Err("must not use BYSETPOS without another BY part to choose from".to_owned());
    }
    let hours = match (frequency, rule.get_by_hour().len()) {
        (Frequency::Hourly, 0) => 24,
        (_, hours) => hours.max(1),
    };
    if hours * rule.get_by_minute().len().max(1) > MAX_A_DAY {
        return Err("must not have handoffs more often than hourly".to_owned());
    }
    Ok(())
}

fn refusal(error: &rrule::RRuleError) -> String {
    let why: String = error.to_string().chars().filter(|char| !char.is_control()).take(200).collect();
    format!("must be a recurrence rule as in RFC 5545: {why}")
}

/// The handoffs of a rule, expanded as far as they were asked for.
pub(super) struct Handoffs {
    start: Minute,
    begin: RRuleSetIter,
    stretches: [OnceLock<Stretch>; STRETCHES],
}

/// Handoffs up to a horizon, and where the expansion stopped.
struct Stretch {
    /// How many handoffs lie before.
    before: usize,
    /// In order, later than the horizon of the stretch before.
    handoffs: Vec<Minute>,
    /// The first one beyond the horizon.
    beyond: Option<Minute>,
    rest: RRuleSetIter,
}

impl std::fmt::Debug for Handoffs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handoffs").field("start", &self.start).finish_non_exhaustive()
    }
}

impl Handoffs {
    fn new(rule: &RRuleSet, start: NaiveDateTime) -> Self {
        // With a limit, a rule that never occurs is given up instead of being followed for ever.
        let begin = rule.clone().limit().into_iter();
        Self { start: minutes(start), begin, stretches: Default::default() }
    }

    /// The number of the last handoff at a minute or before, from 0, and its minute.
    pub(super) fn last(&self, minute: Minute) -> Option<(i64, Minute)> {
        if minute < self.start {
            return None;
        }
        let mut number = self.holding(minute);
        loop {
            let stretch = self.stretch(number);
            let count = stretch.handoffs.partition_point(|handoff| *handoff <= minute);
            if let Some(last) = count.checked_sub(1) {
                return Some((i64::try_from(stretch.before + last).ok()?, stretch.handoffs[last]));
            }
            // The first stretch holds the start, so this ends.
            number = number.checked_sub(1)?;
        }
    }

    /// The first handoff after a minute.
    pub(super) fn after(&self, minute: Minute) -> Option<Minute> {
        for number in self.holding(minute)..STRETCHES {
            let stretch = self.stretch(number);
            let count = stretch.handoffs.partition_point(|handoff| *handoff <= minute);
            if let Some(next) = stretch.handoffs.get(count) {
                return Some(*next);
            }
            stretch.beyond?;
        }
        None
    }

    /// How many handoffs lie after a minute and up to another one.
    pub(super) fn between(&self, from: Minute, to: Minute) -> Option<u64> {
        let until = |minute| self.last(minute).map_or(-1, |(number, _)| number);
        u64::try_from(until(to) - until(from)).ok()
    }

    /// The stretch that a minute falls into, or the last one.
    fn holding(&self, minute: Minute) -> usize {
        (0..STRETCHES).find(|number| minute < self.horizon(*number)).unwrap_or(STRETCHES - 1)
    }

    fn horizon(&self, number: usize) -> Minute {
        self.start + STRETCH * ((2 << number) - 1)
    }

    fn stretch(&self, number: usize) -> &Stretch {
        self.stretches[number].get_or_init(|| self.expand(number))
    }

    fn expand(&self, number: usize) -> Stretch {
        let horizon = self.horizon(number);
        let (before, first, mut rest) = match number.checked_sub(1).map(|number| self.stretch(number)) {
            // The start is a handoff even where the rule does not name it.
            None => (0, Some(self.start), self.begin.clone()),
            Some(last) => (last.before + last.handoffs.len(), last.beyond, last.rest.clone()),
        };
        let mut stretch = Stretch { before, handoffs: vec![], beyond: None, rest: self.begin.clone() };
        let later = first.filter(|first| *first >= horizon);
        if later.is_some() || (first.is_none() && number > 0) {
            return Stretch { beyond: later, rest, ..stretch };
        }
        stretch.handoffs.extend(first);
        for occurrence in rest.by_ref() {
            let minute = occurrence.timestamp().div_euclid(60);
            if minute <= self.start {
                continue;
            }
            if minute >= horizon {
                stretch.beyond = Some(minute);
                break;
            }
            stretch.handoffs.push(minute);
        }
        Stretch { rest, ..stretch }
    }
}
