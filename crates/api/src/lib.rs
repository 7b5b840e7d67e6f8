//! The inbound edge: GraphQL and webhooks. Translates; decides nothing.
