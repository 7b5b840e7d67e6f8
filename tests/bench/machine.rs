//! What else the machine was doing: a number measured beside a compiler says little.

use std::{
    fs,
    time::{Duration, Instant},
};

/// Linux counts processor time in hundredths of a second for every program, whatever the kernel uses inside.
const TICK: Duration = Duration::from_millis(10);

/// Processor time used, by whom.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    everything: Duration,
    here: Duration,
    server: Duration,
    postgres: Duration,
}

/// Watches who uses the processors from now on.
pub(crate) struct Watch {
    server: Option<u32>,
    since: Instant,
    before: Used,
}

/// Processors used on average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    /// By the load generator and the receiver of pages.
    pub(crate) here: f64,
    /// By `midwatch`.
    pub(crate) server: f64,
    /// By PostgreSQL.
    pub(crate) postgres: f64,
    /// By programs that have nothing to do with it.
    pub(crate) others: f64,
}

impl Watch {
    pub(crate) fn start(server: Option<u32>) -> Self {
        Self { server, since: Instant::now(), before: used(server) }
    }

    pub(crate) fn stop(&self) -> Shares {
        let (now, wall) = (used(self.server), self.since.elapsed().as_secs_f64().max(1e-3));
        let share =
            |part: fn(&Used) -> Duration| part(&now).saturating_sub(part(&self.before)).as_secs_f64() / wall;
        let (here, server, postgres) =
            (share(|used| used.here), share(|used| used.server), share(|used| used.postgres));
        let others = (share(|used| used.everything) - here - server - postgres).max(0.0);
        Shares { here, server, postgres, others }
    }
}

impl std::fmt::Display for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { here, server, postgres, others } = self;
        write!(
            f,
            "processors used: generator {here:.2}, midwatch {server:.2}, PostgreSQL {postgres:.2}, others {others:.2}"
        )
    }
}

fn used(server: Option<u32>) -> Used {
    let mut used = Used { everything: everything(), here: of_process("self"), ..Used::default() };
    used.server = server.map(|pid| of_process(&pid.to_string())).unwrap_or_default();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) else {
            continue;
        };
        if fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == "postgres") {
            used.postgres += of_process(pid);
        }
    }
    used
}

/// Everything but idling and waiting for disks, over all processors.
fn everything() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let busy = fields.enumerate().filter(|(index, _)| !matches!(index, 3 | 4 | 8 | 9));
    ticks(busy.filter_map(|(_, field)| field.parse::<u32>().ok()).sum())
}

fn of_process(pid: &str) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The second field is the program's name, which may hold spaces and brackets.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(11).take(2);
    ticks(fields.filter_map(|field| field.parse::<u32>().ok()).sum())
}

fn ticks(count: u32) -> Duration {
    TICK * count
}

/// Memory of a process in MB (2^20 bytes), now and at most so far.
pub(crate) fn memory(pid: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u32 = line.split_whitespace().next()?.parse().ok()?;
        Some(f64::from(kilobytes) / 1024.0)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

/// What stands above all measurements.
pub(crate) fn note() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("?", |(_, it)| it);
    format!("{cores} processors ({model}), load average before the run {}", load())
}

/// The load averages of 1, 5 and 15 minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
