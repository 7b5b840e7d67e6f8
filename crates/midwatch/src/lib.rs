//! The only binary: configuration, wiring, shutdown, command line.
