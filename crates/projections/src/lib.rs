//! One file per read model: what it folds, what it stores, what can be asked of it.
