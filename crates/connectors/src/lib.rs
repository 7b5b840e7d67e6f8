//! The outside world behind traits: mail and webhooks.
