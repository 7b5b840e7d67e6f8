//! Restrictions, as the minutes of a week that they leave open.

use chrono::{NaiveTime, Timelike, Weekday};

use super::{model::Window, zone::Minute};

const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;
/// 1970-01-01 was a Thursday; weeks begin on Monday.
const EPOCH: i64 = 3 * DAY;

/// The open minutes of every week: separate stretches in order, ends excluded.
#[derive(Debug)]
pub(super) struct Week(Vec<(i64, i64)>);

impl Week {
    /// What several windows leave open together; nothing is said if there are none.
    pub(super) fn of(windows: &[Window]) -> Option<Self> {
        let mut stretches = vec![];
        let mut open = |start: i64, length: i64| {
            let end = start + length;
            stretches.push((start, end.min(WEEK)));
            if end > WEEK {
                stretches.push((0, end - WEEK));
            }
        };
        for window in windows {
            match window {
                Window::Daily { from, to, days } => {
                    let length = length(minute(*to) - minute(*from), DAY);
                    for day in
                        (0..7).filter(|day| days.is_empty() || days.iter().any(|one| number(*one) == *day))
                    {
                        open(day * DAY + minute(*from), length);
                    }
                }
                Window::Weekly { from_day, from, to_day, to } => {
                    let start = number(*from_day) * DAY + minute(*from);
                    open(start, length(number(*to_day) * DAY + minute(*to) - start, WEEK));
                }
            }
        }
        stretches.sort_unstable();
        let mut joined: Vec<(i64, i64)> = vec![];
        for (start, end) in stretches {
            match joined.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        (!windows.is_empty()).then_some(Self(joined))
    }

    pub(super) fn is_open(&self, minute: Minute) -> bool {
        let minute = (minute + EPOCH).rem_euclid(WEEK);
        let next = self.0.partition_point(|(start, _)| *start <= minute);
        next > 0 && minute < self.0[next - 1].1
    }

    /// The first minute after `minute` at which it opens or closes; none if it never does.
    pub(super) fn next_edge(&self, minute: Minute) -> Option<Minute> {
        let of_week = (minute + EPOCH).rem_euclid(WEEK);
        let edges = self.0.iter().flat_map(|(start, end)| [*start, *end]);
        let later = edges.clone().find(|edge| *edge > of_week);
        let edge = later.or_else(|| edges.clone().next().map(|first| first + WEEK))?;
        Some(minute - of_week + edge)
    }

    /// How many times a week it opens or closes.
    pub(super) fn edges(&self) -> usize {
        2 * self.0.len()
    }
}

/// A length of nothing is a whole round.
const fn length(difference: i64, round: i64) -> i64 {
    match difference.rem_euclid(round) {
        0 => round,
        length => length,
    }
}

fn minute(time: NaiveTime) -> i64 {
    i64::from(time.num_seconds_from_midnight() / 60)
}

fn number(day: Weekday) -> i64 {
    i64::from(day.num_days_from_monday())
}
