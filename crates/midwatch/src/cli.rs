//! The command line. What is not said there comes from `MIDWATCH_…`, then from the file, then from the defaults.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::Subject;
use serde::Serialize;

/// On-call and incidents, in which every fact is an event.
#[derive(Debug, Parser)]
#[command(name = "midwatch", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take alerts, page people and answer queries.
    Serve(Box<ServeFlags>),
    /// Walk the hash chain over the whole log, and name the first position that was tampered with.
    Verify(LogFlags),
    /// Fold the whole log into new read models beside the live ones, then swap.
    Rebuild(LogFlags),
    /// Tell the story of one subject, or of everything, in words.
    Replay {
        /// An id, such as inc_… or usr_…; without one, the whole log is told
        subject: Option<Subject>,
        /// The last position to tell of.
        #[arg(long, value_name = "POSITION", env = "MIDWATCH_UNTIL")]
        until: Option<u64>,
        /// Where the log is.
        #[command(flatten)]
        log: LogFlags,
    },
    /// Write events as lines of JSON, with their hashes.
    Export {
        /// Begin after this position.
        #[arg(long, value_name = "POSITION", default_value_t = 0, env = "MIDWATCH_AFTER")]
        after: u64,
        /// Only what concerns this id.
        #[arg(long, value_name = "ID", env = "MIDWATCH_SUBJECT")]
        subject: Option<Subject>,
        /// Where the log is.
        #[command(flatten)]
        log: LogFlags,
    },
    /// Write the GraphQL schema.
    Schema,
    /// Check schedules without a server.
    #[command(subcommand)]
    Schedule(ScheduleCommand),
}

/// What can be done with schedules.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Answer questions: reads a line of JSON with a schedule and a query, writes a line with the answer.
    Answer(ZoneFlags),
}

/// Which time zone data is used.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct ZoneFlags {
    /// A folder of time zone files such as /usr/share/zoneinfo, to use in the place of those compiled in
    #[arg(long, value_name = "FOLDER", env = "MIDWATCH_TZDB")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tzdb: Option<PathBuf>,
}

/// Where the log is.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct LogFlags {
    /// The log's database.
    #[arg(
        help = "sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [default: sqlite:midwatch.db]",
        long,
        value_name = "URL",
        env = "MIDWATCH_DATABASE",
        hide_env_values = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The key that seals secrets, as 64 hexadecimal digits; without one, a key is made and kept beside the data
    #[arg(long, value_name = "HEX", env = "MIDWATCH_VAULT_KEY", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault_key: Option<String>,
    /// A TOML file with the same names as the flags, underscores for hyphens
    #[arg(long, value_name = "FILE", env = "MIDWATCH_CONFIG")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// How to serve.
#[derive(Args, Clone, Debug, Default, Serialize)]
pub struct ServeFlags {
    /// Where the log is.
    #[command(flatten)]
    #[serde(flatten)]
    pub log: LogFlags,
    /// Which time zone data is used.
    #[command(flatten)]
    #[serde(flatten)]
    pub zones: ZoneFlags,
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "MIDWATCH_LISTEN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// The token that opens everything; without one, a token is made for this run and shown once
    #[arg(long, value_name = "TOKEN", env = "MIDWATCH_ADMIN_TOKEN", hide_env_values = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_token: Option<String>,
    /// The address under which people and monitoring tools reach this server.
    #[arg(
        help = "The address under which people and monitoring tools reach this server [default: http://ADDRESS]",
        long,
        value_name = "URL",
        env = "MIDWATCH_PUBLIC_URL"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Begin with demo teams, people, services and incidents, and a demo phone
    #[arg(long, env = "MIDWATCH_DEMO", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demo: Option<bool>,
    /// The mail relay.
    #[arg(
        help = "The mail relay: smtp://host:port, smtp+starttls://user:password@host or smtps://host",
        long,
        value_name = "URL",
        env = "MIDWATCH_SMTP_URL",
        hide_env_values = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<String>,
    /// Whom mails come from.
    #[arg(
        help = "Whom mails come from [default: Midwatch <midwatch@localhost>]",
        long,
        value_name = "ADDRESS",
        env = "MIDWATCH_MAIL_FROM"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail_from: Option<String>,
    /// The address to take alerts by mail on.
    #[arg(
        help = "The address to take alerts by mail on, such as 127.0.0.1:2525 [default: none is taken]",
        long,
        value_name = "ADDRESS",
        env = "MIDWATCH_SMTP_LISTEN"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_listen: Option<String>,
    /// The domain whose mail is for Midwatch [default: the host of the public URL]
    #[arg(long, value_name = "DOMAIN", env = "MIDWATCH_SMTP_DOMAIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_domain: Option<String>,
    /// Bytes in one mail that comes in [default: 524288]
    #[arg(long, value_name = "BYTES", env = "MIDWATCH_SMTP_MAX_BYTES")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_max_bytes: Option<usize>,
    /// Private addresses that webhooks may reach: ranges such as 10.0.0.0/8, separated by commas, or all
    #[arg(long, value_name = "RANGES", env = "MIDWATCH_ALLOW_PRIVATE_TARGETS", num_args = 0..=1, default_missing_value = "all")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_private_targets: Option<String>,
    /// Where traces go, as OTLP over HTTP.
    #[arg(
        help = "Where traces go, as OTLP over HTTP, such as http://localhost:4318",
        long,
        value_name = "URL",
        env = "MIDWATCH_OTLP_ENDPOINT"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT", env = "MIDWATCH_LOG_FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<String>,
    /// What is logged, as in info or info,store=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "MIDWATCH_LOG_FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_filter: Option<String>,
    /// Show /metrics without a token
    #[arg(long, env = "MIDWATCH_METRICS_PUBLIC", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_public: Option<bool>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_flag_has_the_variable_of_its_name() {
        let (mut commands, mut flags) = (vec![Cli::command()], 0);
        while let Some(command) = commands.pop() {
            for argument in command.get_arguments() {
                let Some(flag) = argument.get_long() else { continue };
                let variable = format!("MIDWATCH_{}", flag.to_uppercase().replace('-', "_"));
                let known = argument.get_env().and_then(|name| name.to_str());
                assert_eq!(known, Some(&*variable), "{} --{flag}", command.get_name());
                flags += 1;
            }
            commands.extend(command.get_subcommands().cloned());
        }
        assert!(flags > 20, "{flags} flags were looked at");
    }

    #[test]
    fn a_switch_needs_no_value() {
        let line = ["midwatch", "serve", "--demo", "--allow-private-targets", "--listen", "[::1]:0"];
        let Command::Serve(flags) = Cli::try_parse_from(line).expect("a command line").command else {
            panic!("not serve")
        };
        assert_eq!((flags.demo, flags.allow_private_targets.as_deref()), (Some(true), Some("all")));
    }
}
