//! Shapes of versions as earlier editions stored them, converted on reading.

use chrono::NaiveDateTime;
use serde::Deserialize;

use super::model::{Layer, Rotation, Version};
use crate::{LayerId, Timestamp, UserId};

/// A version as it was ever stored.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum StoredVersion {
    Layers { effective_from: Timestamp, time_zone: String, layers: Vec<Layer> },
    OneLayer { effective_from: Timestamp, time_zone: String, layer: OnlyLayer },
}

/// The layer of a schedule that had only one.
#[derive(Deserialize)]
pub(super) struct OnlyLayer {
    rotation: Rotation,
    rotation_start: NaiveDateTime,
    participants: Vec<Vec<UserId>>,
}

impl From<StoredVersion> for Version {
    fn from(stored: StoredVersion) -> Self {
        match stored {
            StoredVersion::Layers { effective_from, time_zone, layers } => {
                Self { effective_from, time_zone, layers }
            }
            StoredVersion::OneLayer { effective_from, time_zone, layer } => {
                let OnlyLayer { rotation, rotation_start, participants } = layer;
                let layer = Layer::simple(LayerId::ONLY, "On call", rotation, rotation_start, participants);
                Self { effective_from, time_zone, layers: vec![layer] }
            }
        }
    }
}
