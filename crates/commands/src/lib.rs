//! Load, decide, append, retry; the directory of configuration; holds no rule.
