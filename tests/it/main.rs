//! The running system, from outside: one file per capability.

mod support;

mod alertmanager;
mod authorization;
mod broken_bodies;
mod calendar;
mod command_line;
mod crash;
mod crash_with_rules;
mod deduplication;
mod delivery_log;
mod escalation;
mod graphql_ws;
mod heartbeats;
mod hostile_bodies;
mod mail_source;
mod notices;
mod on_call_record;
mod order;
mod pagerduty;
mod paging;
mod postgres;
mod postgres_groups;
mod private_targets;
mod providers;
mod rate_limits;
mod restart;
mod rules;
mod schedules;
mod schedules_guide;
mod senders;
mod smtp;
mod sns;
mod tidy;
mod time_zone_data;
mod traces;
