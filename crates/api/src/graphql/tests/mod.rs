//! The edge from inside: stories told in GraphQL, and what a socket answers.

mod integrations;
mod over_http;
mod over_socket;
mod schedules;
mod stand;
mod story;
