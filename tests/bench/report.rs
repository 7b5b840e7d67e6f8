//! One line for each measurement, with its limit beside it.

use std::time::Duration;

/// What a measurement must reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    AtLeast(f64),
    AtMost(f64),
    /// Told because it helps to understand the others.
    None,
}

/// Prints lines and counts what failed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    reached: usize,
    missed: Vec<String>,
}

impl Report {
    /// A number and its limit.
    pub(crate) fn line(&mut self, what: &str, value: f64, unit: &str, limit: Limit) {
        let (ok, wanted) = match limit {
            Limit::AtLeast(least) => (Some(value >= least), format!("at least {}", shown(least))),
            Limit::AtMost(most) => (Some(value <= most), format!("at most {}", shown(most))),
            Limit::None => (None, String::new()),
        };
        let verdict = match ok {
            Some(true) => "pass",
            Some(false) => "FAIL",
            None => "",
        };
        let line = format!("{what:<74} {:>9} {unit:<3} {wanted:<18} {verdict}", shown(value));
        println!("{}", line.trim_end());
        match ok {
            Some(true) => self.reached += 1,
            Some(false) => self.missed.push(what.to_owned()),
            None => {}
        }
    }

    /// Milliseconds and at most how many of them.
    pub(crate) fn time(&mut self, what: &str, time: Duration, at_most: Option<Duration>) {
        let limit = at_most.map_or(Limit::None, |most| Limit::AtMost(most.as_secs_f64() * 1000.0));
        self.line(what, time.as_secs_f64() * 1000.0, "ms", limit);
    }

    /// A count that must be exactly this.
    pub(crate) fn exactly(&mut self, what: &str, value: usize, wanted: usize) {
        let ok = value == wanted;
        println!("{what:<74} {value:>9}     exactly {wanted:<10} {}", if ok { "pass" } else { "FAIL" });
        if ok {
            self.reached += 1;
        } else {
            self.missed.push(what.to_owned());
        }
    }

    /// Something to know about the lines above.
    #[expect(clippy::unused_self, reason = "whoever prints between the lines holds the report")]
    pub(crate) fn note(&mut self, text: &str) {
        println!("  {text}");
    }

    /// A measurement that could not be made.
    pub(crate) fn broken(&mut self, what: &str, why: &str) {
        println!("{what:<74} could not be measured: {why}");
        self.missed.push(what.to_owned());
    }

    /// How many limits were reached; true if all.
    pub(crate) fn sum(&self) -> bool {
        println!("\n{} limits reached, {} missed", self.reached, self.missed.len());
        for missed in &self.missed {
            println!("  missed: {missed}");
        }
        self.missed.is_empty()
    }
}

fn shown(value: f64) -> String {
    if value.abs() >= 1000.0 {
        let digits = format!("{value:.0}");
        let head = digits.len() % 3;
        let mut grouped = digits[..head].to_owned();
        for (index, digit) in digits[head..].chars().enumerate() {
            if index % 3 == 0 && !grouped.is_empty() {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        grouped
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 1.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
