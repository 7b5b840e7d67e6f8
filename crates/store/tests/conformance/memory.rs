//! The rules, in memory.

use store::{Options, Store, StoreError};

use crate::{place::Place, rules::every_rule};

struct Memory;

impl Place for Memory {
    const ROUNDS: u128 = 1000;

    async fn fresh() -> Self {
        Self
    }

    async fn open_with(&self, options: Options) -> Result<Store, StoreError> {
        Ok(Store::memory_with(&options))
    }
}

every_rule!(Memory);
