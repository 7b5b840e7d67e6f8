//! The edge from inside: stories told in GraphQL, and what a socket answers.

mod deliveries;
mod integrations;
mod over_http;
mod over_socket;
mod schedule_changes;
mod schedules;
mod stand;
mod story;
