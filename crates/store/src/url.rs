//! Which database holds the log.

use std::{fmt, path::PathBuf, str::FromStr};

/// Where the log is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as a libpq-style URL.
    Postgres(String),
}

/// A text that names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{scheme}` is no database: expected `sqlite:PATH` or `postgres://USER@HOST/NAME`")]
pub struct DatabaseUrlError {
    /// Only the part before the colon: the rest may hold a password.
    scheme: String,
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => {
                // `sqlite:///var/lib/x.db` is how URLs write the path `/var/lib/x.db`.
                Ok(Self::Sqlite(
                    path.strip_prefix("//").filter(|rest| !rest.is_empty()).unwrap_or(path).into(),
                ))
            }
            _ => {
                let scheme = text.split(':').next().unwrap_or_default().chars().take(32).collect();
                Err(DatabaseUrlError { scheme })
            }
        }
    }
}

impl fmt::Display for DatabaseUrl {
    /// Writes the URL without user, password and parameters, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                write!(f, "postgres://{}", rest.split('?').next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_url_is_a_path() {
        assert_eq!("sqlite:data/mid.db".parse(), Ok(DatabaseUrl::Sqlite("data/mid.db".into())));
        assert_eq!("sqlite:///var/mid.db".parse(), Ok(DatabaseUrl::Sqlite("/var/mid.db".into())));
        assert!("sqlite:".parse::<DatabaseUrl>().is_err());
    }

    #[test]
    fn a_shown_url_holds_no_password() {
        let url: DatabaseUrl = "postgresql://ada:s3cr@t@db:5432/mid?password=x".parse().expect("a url");
        assert_eq!(url.to_string(), "postgres://db:5432/mid");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(postgres://db:5432/mid)");
    }

    #[test]
    fn another_database_is_refused_by_its_scheme() {
        let error = "mysql://root:secret@db/mid".parse::<DatabaseUrl>().expect_err("not supported");
        assert!(error.to_string().starts_with("`mysql` is no database"), "{error}");
    }
}
