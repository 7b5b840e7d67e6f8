//! What the operator chose, checked before anything starts.

use std::{net::ToSocketAddrs, path::PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use connectors::{Guard, SmtpSettings};
use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};
use projections::ReadLocation;
use serde::{Deserialize, Serialize};
use store::{DatabaseUrl, Options};

use crate::cli::{LogFlags, ServeFlags};

/// Everything that can be chosen, in the words of the operator.
#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on.
    pub listen: String,
    /// Where the log is: `sqlite:PATH`, `postgres://…`, or `memory:` for tests.
    pub database: String,
    /// The token that opens everything.
    pub admin_token: Option<String>,
    /// The address under which people and monitoring tools reach this server.
    pub public_url: Option<String>,
    /// Whether to begin with demo data and a demo phone.
    pub demo: bool,
    /// The mail relay.
    pub smtp_url: Option<String>,
    /// Whom mails come from.
    pub mail_from: String,
    /// Private addresses that webhooks may reach.
    pub allow_private_targets: String,
    /// Where traces go.
    pub otlp_endpoint: Option<String>,
    /// How logs look.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_filter: String,
    /// The key that seals secrets, as 64 hexadecimal digits.
    pub vault_key: Option<String>,
    /// A folder of time zone files to use in the place of those compiled in.
    pub tzdb: Option<PathBuf>,
    /// Whether metrics are shown without a token.
    pub metrics_public: bool,
}

/// How logs look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Where the log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogLocation {
    /// In memory, for tests.
    Memory,
    /// In a database.
    Database(DatabaseUrl),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            database: "sqlite:midwatch.db".to_owned(),
            admin_token: None,
            public_url: None,
            demo: false,
            smtp_url: None,
            mail_from: "Midwatch <midwatch@localhost>".to_owned(),
            allow_private_targets: String::new(),
            otlp_endpoint: None,
            log_format: LogFormat::Text,
            log_filter: "info".to_owned(),
            vault_key: None,
            tzdb: None,
            metrics_public: false,
        }
    }
}

impl Config {
    /// A node for tests: any free port, this log, this token, and webhooks to this machine.
    pub fn for_tests(database: &str, token: &str) -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            database: database.to_owned(),
            admin_token: Some(token.to_owned()),
            allow_private_targets: "all".to_owned(),
            ..Self::default()
        }
    }

    /// The configuration for serving.
    pub fn of_serve(flags: &ServeFlags) -> Result<Self> {
        Self::layered(flags.log.config.as_ref(), flags)
    }

    /// The configuration for looking at the log.
    pub fn of_log(flags: &LogFlags) -> Result<Self> {
        Self::layered(flags.config.as_ref(), flags)
    }

    fn layered(file: Option<&PathBuf>, flags: impl Serialize) -> Result<Self> {
        let mut layers = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            if !file.is_file() {
                bail!("there is no configuration file {}", file.display());
            }
            layers = layers.merge(Toml::file_exact(file));
        }
        // Environment variables are read with the flags.
        layers.merge(Serialized::defaults(flags)).extract().map_err(|error| anyhow!("configuration: {error}"))
    }

    /// Where the log is kept.
    pub fn log(&self) -> Result<LogLocation> {
        if self.database == "memory:" {
            return Ok(LogLocation::Memory);
        }
        Ok(LogLocation::Database(self.database.parse().context("--database")?))
    }

    /// Where the read models are kept: beside the log.
    pub fn reads(&self) -> Result<ReadLocation> {
        Ok(match self.log()? {
            LogLocation::Memory => ReadLocation::Memory,
            LogLocation::Database(DatabaseUrl::Postgres(url)) => ReadLocation::Postgres(url),
            LogLocation::Database(DatabaseUrl::Sqlite(path)) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let name = match path.extension() {
                    Some(extension) => format!("{stem}-read.{}", extension.to_string_lossy()),
                    None => format!("{stem}-read"),
                };
                ReadLocation::Sqlite(path.with_file_name(name))
            }
        })
    }

    /// How the log is opened.
    pub fn options(&self) -> Result<Options> {
        let vault_key = self.vault_key.as_deref().map(vault_key).transpose()?;
        Ok(Options { vault_key, ..Options::default() })
    }

    /// The mail relay, if there is one.
    pub fn smtp(&self) -> Result<Option<SmtpSettings>> {
        let settings = self.smtp_url.as_deref().map(|url| SmtpSettings::parse(url, &self.mail_from));
        settings.transpose().context("--smtp-url and --mail-from")
    }

    /// Which private addresses webhooks may reach.
    pub fn guard(&self) -> Result<Guard> {
        self.allow_private_targets.parse().context("--allow-private-targets")
    }

    /// The addresses to listen on, of which the first that works is taken.
    pub fn addresses(&self) -> Result<Vec<std::net::SocketAddr>> {
        let addresses = self.listen.to_socket_addrs();
        let addresses: Vec<_> = addresses
            .with_context(|| format!("--listen: `{}` is no address such as 127.0.0.1:8080", self.listen))?
            .collect();
        if addresses.is_empty() {
            bail!("--listen: `{}` leads to no address", self.listen);
        }
        Ok(addresses)
    }

    /// The address people use, without a final slash, if the operator chose one.
    pub fn checked_public_url(&self) -> Result<Option<String>> {
        let Some(url) = self.public_url.as_deref().map(|url| url.trim().trim_end_matches('/')) else {
            return Ok(None);
        };
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if host.is_empty() || url.contains(|c: char| c.is_whitespace() || matches!(c, '?' | '#')) {
            bail!("--public-url: `{url}` is no address such as https://midwatch.example.org");
        }
        Ok(Some(url.to_owned()))
    }
}

impl std::fmt::Debug for Config {
    /// Leaves out whatever may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("demo", &self.demo)
            .finish_non_exhaustive()
    }
}

fn vault_key(text: &str) -> Result<[u8; 32]> {
    let wrong = || anyhow!("--vault-key: a vault key has 64 hexadecimal digits");
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut key = [0; 32];
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_defaults() {
        let flags = ServeFlags { listen: Some("[::1]:9".to_owned()), ..ServeFlags::default() };
        let config = Config::of_serve(&flags).expect("a configuration");
        assert_eq!((&*config.listen, &*config.database), ("[::1]:9", "sqlite:midwatch.db"));
    }

    #[test]
    fn read_models_live_beside_the_log() {
        let reads = |database: &str| {
            Config { database: database.to_owned(), ..Config::default() }.reads().expect("a location")
        };
        assert_eq!(reads("sqlite:/x/midwatch.db"), ReadLocation::Sqlite("/x/midwatch-read.db".into()));
        assert_eq!(reads("sqlite:log"), ReadLocation::Sqlite("log-read".into()));
        assert_eq!(reads("postgres://h/n"), ReadLocation::Postgres("postgres://h/n".to_owned()));
    }

    #[test]
    fn mistakes_name_the_flag() {
        let wrong = |config: Config| {
            let why = [
                config.log().err(),
                config.guard().err(),
                config.smtp().err(),
                config.addresses().err(),
                config.checked_public_url().err(),
                config.options().err(),
            ];
            why.into_iter().flatten().map(|error| format!("{error:#}")).collect::<Vec<_>>().join("; ")
        };
        let default = Config::default;
        assert!(wrong(Config { database: "mysql://x".into(), ..default() }).starts_with("--database"));
        assert!(wrong(Config { listen: "nowhere".into(), ..default() }).starts_with("--listen"));
        assert!(
            wrong(Config { public_url: Some("midwatch".into()), ..default() }).starts_with("--public-url")
        );
        assert!(wrong(Config { vault_key: Some("12".into()), ..default() }).starts_with("--vault-key"));
        assert!(
            wrong(Config { allow_private_targets: "x".into(), ..default() }).starts_with("--allow-private")
        );
        assert_eq!(wrong(default()), "");
    }
}
