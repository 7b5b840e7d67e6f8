//! The time zone data of the operator's choice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use chrono_tz::TZ_VARIANTS;
use domain::schedule::Tzdb;

/// More than any zone needs.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the zones of a folder such as `/usr/share/zoneinfo`; without one, takes what is compiled in.
/// Whichever it is, the time zone of the machine plays no part.
pub fn open(folder: Option<&Path>) -> Result<Tzdb> {
    let Some(folder) = folder else { return Ok(Tzdb::bundled()) };
    if !folder.is_dir() {
        bail!("--tzdb: there is no folder {}", folder.display());
    }
    let mut files = vec![];
    for name in TZ_VARIANTS.iter().map(|zone| zone.name()) {
        let path = folder.join(name);
        // Packages leave out names of the past.
        if path.is_file() {
            files.push((name, read(&path)?));
        }
    }
    if files.is_empty() {
        bail!("--tzdb: the folder {} holds no time zone files", folder.display());
    }
    let version = version(folder).unwrap_or_else(|| format!("unknown, from {}", folder.display()));
    let files = files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    Tzdb::supplied(version, files).with_context(|| format!("--tzdb: cannot use {}", folder.display()))
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    let length = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    if length > MAX_BYTES {
        bail!("--tzdb: {} is no time zone file", path.display());
    }
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Which edition it is: in a file of its own, or in the first line of the database's source.
fn version(folder: &Path) -> Option<String> {
    let own = fs::read_to_string(folder.join("+VERSION")).ok();
    let source = || fs::read_to_string(folder.join("tzdata.zi")).ok();
    let text = own.or_else(source)?;
    let first = text.lines().next()?.trim();
    let version = first.strip_prefix("# version ").unwrap_or(first).trim();
    let good = |char: char| char.is_ascii_alphanumeric() || ".-_".contains(char);
    (!version.is_empty() && version.len() <= 20 && version.chars().all(good)).then(|| version.to_owned())
}
