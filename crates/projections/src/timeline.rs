//! What happened to somebody or something, in order?
