//! What the operator chose, checked before anything starts.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    path::PathBuf,
};

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

/// Bytes in a mail at the most: it is kept whole, in one event, which has room for as many in base64.
const MAX_MAIL: usize = store::MAX_PAYLOAD / 2;

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
    /// The address to take alerts by mail on.
    pub smtp_listen: Option<String>,
    /// The domain whose mail is ours.
    pub smtp_domain: Option<String>,
    /// Bytes in one mail that comes in.
    pub smtp_max_bytes: Option<usize>,
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
            smtp_listen: None,
            smtp_domain: None,
            smtp_max_bytes: None,
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
    pub fn addresses(&self) -> Result<Vec<SocketAddr>> {
        addresses("--listen", &self.listen, "127.0.0.1:8080")
    }

    /// The addresses to take mail on; none: mail is not taken.
    pub fn mail_addresses(&self) -> Result<Option<Vec<SocketAddr>>> {
        let listen = self.smtp_listen.as_deref();
        listen.map(|listen| addresses("--smtp-listen", listen, "127.0.0.1:2525")).transpose()
    }

    /// What holds for mail that comes in, of a server that is known under `public_url`.
    pub fn mail_rules(&self, public_url: &str) -> Result<api::mail::Rules> {
        let usual = api::Limits::default().body_bytes;
        let max_bytes = self.smtp_max_bytes.unwrap_or(usual);
        if !(1024..=MAX_MAIL).contains(&max_bytes) {
            bail!("--smtp-max-bytes: a mail may have from 1024 to {MAX_MAIL} bytes, not {max_bytes}");
        }
        let domain = self.smtp_domain.as_deref().map_or_else(|| mail_domain(public_url), str::to_owned);
        let fit = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if domain.is_empty() || domain.len() > 255 || !domain.chars().all(fit) {
            bail!("--smtp-domain: `{domain}` is no domain such as alerts.example.org");
        }
        Ok(api::mail::Rules { domain, max_bytes })
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

fn addresses(flag: &str, listen: &str, such_as: &str) -> Result<Vec<SocketAddr>> {
    let addresses = listen.to_socket_addrs();
    let addresses: Vec<_> =
        addresses.with_context(|| format!("{flag}: `{listen}` is no address such as {such_as}"))?.collect();
    if addresses.is_empty() {
        bail!("{flag}: `{listen}` leads to no address");
    }
    Ok(addresses)
}

/// The host of an address of the web; mail to a machine without a name is rare enough to be called local.
fn mail_domain(public_url: &str) -> String {
    let rest = public_url.split_once("://").map_or(public_url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.starts_with('[') {
        return "localhost".to_owned();
    }
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    if host.parse::<IpAddr>().is_ok() { "localhost".to_owned() } else { host.to_owned() }
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
                config.mail_addresses().err(),
                config.mail_rules("http://localhost:8080").err(),
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
        assert!(wrong(Config { smtp_listen: Some("25".into()), ..default() }).starts_with("--smtp-listen"));
        assert!(wrong(Config { smtp_domain: Some("a b".into()), ..default() }).starts_with("--smtp-domain"));
        for bytes in [1, store::MAX_PAYLOAD / 2 + 1] {
            let chosen = Config { smtp_max_bytes: Some(bytes), ..default() };
            assert!(wrong(chosen).starts_with("--smtp-max-bytes"), "{bytes}");
        }
        assert_eq!(wrong(default()), "");
    }

    #[test]
    fn mail_is_for_the_host_of_the_public_address_unless_told_otherwise() {
        let domain = |smtp_domain: Option<&str>, url: &str| {
            let config = Config { smtp_domain: smtp_domain.map(str::to_owned), ..Config::default() };
            config.mail_rules(url).expect("rules").domain
        };
        assert_eq!(domain(None, "https://midwatch.example.org/base"), "midwatch.example.org");
        assert_eq!(domain(None, "http://localhost:8080"), "localhost");
        assert_eq!(domain(None, "http://127.0.0.1:8080"), "localhost");
        assert_eq!(domain(None, "http://[::1]:8080"), "localhost");
        assert_eq!(domain(Some("alerts.example.org"), "http://[::1]:8080"), "alerts.example.org");
        let rules = Config::default().mail_rules("https://x").expect("rules");
        assert_eq!(rules.max_bytes, 512 * 1024);
    }
}
