//! Facts and deadlines in, commands and effects out.
