//! How a log is opened.

/// Limits and keys of an opened log.
#[derive(Clone)]
pub struct Options {
    /// How many events may wait or be under way before appends are answered `Busy`.
    pub queue_events: usize,
    /// How many bytes of them.
    pub queue_bytes: usize,
    /// How many recent events are kept in memory for the tails.
    pub recent_events: usize,
    /// How many bytes of them.
    pub recent_bytes: usize,
    /// The key that seals secrets; without one, a key is made and kept beside the data.
    pub vault_key: Option<[u8; 32]>,
    /// Connections for reading.
    pub readers: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_events: 8192,
            queue_bytes: 64 * 1024 * 1024,
            recent_events: 8192,
            recent_bytes: 16 * 1024 * 1024,
            vault_key: None,
            readers: 4,
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("queue_events", &self.queue_events)
            .field("queue_bytes", &self.queue_bytes)
            .field("recent_events", &self.recent_events)
            .field("recent_bytes", &self.recent_bytes)
            .field("vault_key", &self.vault_key.map(|_| "…"))
            .field("readers", &self.readers)
            .finish()
    }
}
