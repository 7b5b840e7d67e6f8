//! Which rows of a list are wanted, and have these words? The newest places first.

use std::sync::Arc;

use sea_query::SelectStatement;
use tokio::{
    sync::{OwnedRwLockReadGuard, RwLock},
    task,
};

use super::{
    List, Place, Wanted,
    walks::{among, between, known_or_has, walks_of, whole},
    words::{Known, asked_for},
};
use crate::{ReadError, db::Database};

/// So many places are passed at a time when words are looked for.
const STRIDE: usize = if cfg!(test) { 2 } else { 256 };
/// After so many strides it is time to look for the words themselves.
const PATIENCE: usize = if cfg!(test) { 2 } else { 4 };
/// Up to so many rows that have the words are looked up one by one.
const FEW: usize = if cfg!(test) { 3 } else { 2000 };
/// Up to so many parts of what was forgotten are looked through one by one.
const SUSPECTS: usize = if cfg!(test) { 2 } else { 64 };
/// So many rows at a time.
const TOGETHER: usize = if cfg!(test) { 2 } else { 500 };

/// The search in one list, with the words of its latest rows.
#[derive(Debug)]
pub(crate) struct Search {
    list: &'static List,
    known: Arc<RwLock<Known>>,
}

impl Search {
    pub(crate) fn new(list: &'static List) -> Self {
        Self { list, known: Arc::default() }
    }

    /// Forgets everything: other rows take the place of those that are known.
    pub(crate) async fn reset(&self) {
        *self.known.write().await = Known::default();
    }

    /// The words as they are now, held while a question is answered.
    async fn known(&self, db: &Database) -> Result<OwnedRwLockReadGuard<Known>, ReadError> {
        let latest = Known::latest(db, self.list.table).await?;
        if self.known.read().await.last() < latest {
            self.known.write().await.catch_up(db, self.list.table, latest).await?;
        }
        Ok(Arc::clone(&self.known).read_owned().await)
    }

    /// The `limit` newest places before `before` that are wanted and have all words of a text.
    pub(crate) async fn places(
        &self,
        db: &Database,
        wanted: &Wanted,
        text: Option<&str>,
        limit: usize,
        before: Option<Place>,
    ) -> Result<Vec<Place>, ReadError> {
        let words = asked_for(text);
        let mut places = if words.is_empty() {
            walk(db, walks_of(self.list, wanted, limit, before)).await?
        } else {
            self.places_with(db, wanted, words, limit, before).await?
        };
        places.truncate(limit);
        Ok(places)
    }

    async fn places_with(
        &self,
        db: &Database,
        wanted: &Wanted,
        words: Vec<String>,
        limit: usize,
        mut before: Option<Place>,
    ) -> Result<Vec<Place>, ReadError> {
        let mut known = self.known(db).await?;
        let forgotten = known.forgotten();
        let mut places = Vec::new();
        // Frequent words are met soon by walking along everything that the filter admits.
        for stride in 1.. {
            let length = if stride > PATIENCE { STRIDE * 8 } else { STRIDE };
            let walks = walks_of(self.list, wanted, length, before).into_iter();
            let walks = walks.map(|query| known_or_has(query, forgotten, &words)).collect();
            let mut passed = walk(db, walks).await?;
            let ended = passed.len() < length;
            // Beyond that, a walk that stopped at its limit may have more.
            passed.truncate(length);
            before = passed.last().copied().or(before);
            places.extend(
                passed
                    .into_iter()
                    .filter(|place| place.number <= forgotten || known.has(place.number, &words)),
            );
            if ended || places.len() >= limit {
                break;
            }
            if stride != PATIENCE {
                continue;
            }
            // Rare ones are not: now look for the words first.
            let searched = words.clone();
            let find = move || (known.find(&searched), known);
            let found = task::spawn_blocking(find).await;
            let (numbers, again) =
                found.map_err(|_| ReadError::Unavailable("the search was abandoned".into()))?;
            known = again;
            if numbers.len() <= FEW {
                let all = whole(self.list, wanted, limit, before);
                let few = numbers.chunks(TOGETHER).map(|part| among(all.clone(), part));
                let suspects = known.suspects(&words);
                let old: Vec<_> = if suspects.len() <= SUSPECTS {
                    suspects.iter().map(|rows| between(all.clone(), *rows, &words)).collect()
                } else {
                    let walks = walks_of(self.list, wanted, limit, before).into_iter();
                    walks.map(|query| between(query, [1, forgotten], &words)).collect()
                };
                places.extend(walk(db, old.into_iter().chain(few).collect()).await?);
                break;
            }
        }
        Ok(places)
    }
}

/// What several walks find, the newest first.
async fn walk(db: &Database, walks: Vec<SelectStatement>) -> Result<Vec<Place>, ReadError> {
    let mut places = Vec::new();
    for mut row in db.selects(walks).await?.into_iter().flatten() {
        places.push(Place { at: row.take()?, number: row.take()? });
    }
    places.sort_unstable_by(|one, other| other.cmp(one));
    Ok(places)
}
