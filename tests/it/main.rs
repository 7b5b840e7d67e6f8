//! The running system, from outside: one file per capability.

mod tidy;
