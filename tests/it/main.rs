//! The running system, from outside: one file per capability.

mod support;

mod crash;
mod deduplication;
mod escalation;
mod paging;
mod restart;
mod tidy;
