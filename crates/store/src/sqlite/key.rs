//! The vault key in a file of its own, so that a copy of the database alone opens no secret.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};

use super::connect;
use crate::StoreError;

/// The key file of a database.
pub(super) fn beside(path: &Path) -> PathBuf {
    connect::beside(path, ".key")
}

/// The key in the file; the candidate, once it is safely there, if there is no file.
/// `sealed` tells whether there are secrets already.
pub(super) fn kept(path: &Path, candidate: [u8; 32], sealed: bool) -> Result<[u8; 32], StoreError> {
    match fs::read_to_string(path) {
        Ok(text) => BASE64_STANDARD
            .decode(text.trim())
            .ok()
            .and_then(|key| key.try_into().ok())
            .ok_or_else(|| StoreError::Damaged(format!("{} holds no vault key", path.display()).into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if sealed {
                tracing::error!(path = %path.display(), "the vault key is gone: the secrets sealed with it stay closed");
            }
            keep(path, candidate).map_err(|error| failed(path, &error))?;
            Ok(candidate)
        }
        Err(error) => Err(failed(path, &error)),
    }
}

/// Written aside and renamed, so that a crash leaves a whole key or none.
fn keep(path: &Path, key: [u8; 32]) -> io::Result<()> {
    let draft = connect::beside(path, ".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    writeln!(file, "{}", BASE64_STANDARD.encode(key))?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::unavailable(format!("the vault key in {}: {error}", path.display()))
}
