//! Which rows of a list have these words? Answered from memory.
//!
//! The words of a row never change, so those of all rows only grow, by number: each search first fetches those that
//! came since the last one. Neither database could find a part of a word in 100,000 titles as fast.

use std::collections::VecDeque;

use sea_query::{Expr, ExprTrait, Order, Query};

use crate::{ReadError, db::Database};

/// How many bytes of words are kept. The oldest are forgotten first, but for a trace that says where the database may have
/// to look for them.
const MAX_BYTES: usize = if cfg!(test) { 600 } else { 32 * 1024 * 1024 };
/// How many rows are fetched at a time, and forgotten together.
const CHUNK: u64 = if cfg!(test) { 4 } else { 4096 };
/// How many words of a search are looked at.
const MAX_WORDS: usize = 16;

/// A text as it is searched in and for: in lower case, and without the character 0, which PostgreSQL's texts
/// cannot hold.
pub(crate) fn words(text: &str) -> String {
    text.to_lowercase().replace('\0', " ")
}

/// The words that a text asks for, the longest first.
pub(super) fn asked_for(text: Option<&str>) -> Vec<String> {
    let text = words(text.unwrap_or_default());
    let mut wanted: Vec<_> = text.split_whitespace().take(MAX_WORDS).map(str::to_owned).collect();
    wanted.sort_by_key(|word| std::cmp::Reverse(word.len()));
    wanted
}

/// The words of the latest rows.
#[derive(Debug, Default)]
pub(super) struct Known {
    chunks: VecDeque<Chunk>,
    /// Of the chunks that were forgotten.
    traces: Vec<Trace>,
    bytes: usize,
    /// The number of the last row.
    last: u64,
}

/// The words of some rows with consecutive numbers.
#[derive(Debug, Default)]
struct Chunk {
    first: u64,
    text: String,
    /// Where the words of each row end.
    ends: Vec<usize>,
}

impl Known {
    /// The number of the last row of a table.
    pub(super) async fn latest(db: &Database, table: &'static str) -> Result<u64, ReadError> {
        let query =
            Query::select().column("number").from(table).order_by("number", Order::Desc).limit(1).take();
        db.select(query).await?.pop().map_or(Ok(0), |mut row| row.take())
    }

    /// The number of the last row that is known.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Fetches the words up to a row.
    pub(super) async fn catch_up(
        &mut self,
        db: &Database,
        table: &'static str,
        latest: u64,
    ) -> Result<(), ReadError> {
        while self.last < latest {
            let query = Query::select()
                .column("words")
                .from(table)
                .and_where(Expr::col("number").gt(self.last.cast_signed()))
                .and_where(Expr::col("number").lte((self.last + CHUNK).cast_signed()))
                .order_by("number", Order::Asc)
                .take();
            let rows = db.select(query).await?;
            if rows.is_empty() {
                return Err(ReadError::Damaged(
                    format!("row {} of `{table}` is missing", self.last + 1).into(),
                ));
            }
            for mut row in rows {
                self.add(&row.take::<String>()?);
            }
        }
        Ok(())
    }

    fn add(&mut self, words: &str) {
        self.last += 1;
        let full = self.chunks.back().is_none_or(|chunk| chunk.ends.len() as u64 == CHUNK);
        if full {
            self.chunks.push_back(Chunk { first: self.last, ..Chunk::default() });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.text.push_str(words);
            // No word reaches over a space, from one row into the next.
            chunk.text.push(' ');
            chunk.ends.push(chunk.text.len());
            self.bytes += words.len() + 1;
        }
        while self.bytes > MAX_BYTES && self.chunks.len() > 1 {
            let Some(oldest) = self.chunks.pop_front() else { return };
            self.bytes -= oldest.text.len();
            self.traces.push(Trace::of(&oldest));
        }
    }

    /// Rows up to this number are not known any more.
    pub(super) fn forgotten(&self) -> u64 {
        self.chunks.front().map_or(self.last, |chunk| chunk.first - 1)
    }

    /// Where rows that are not known any more may have all these words: the numbers of the first and the last one.
    pub(super) fn suspects(&self, wanted: &[String]) -> Vec<[u64; 2]> {
        self.traces.iter().filter(|trace| trace.may_have(wanted)).map(|trace| trace.rows).collect()
    }

    /// Whether a row that is known has all these words.
    pub(super) fn has(&self, number: u64, wanted: &[String]) -> bool {
        let index = self.chunks.partition_point(|chunk| chunk.first <= number);
        let chunk = index.checked_sub(1).and_then(|index| self.chunks.get(index));
        let words = chunk.and_then(|chunk| chunk.words(usize::try_from(number - chunk.first).ok()?));
        words.is_some_and(|words| wanted.iter().all(|word| words.contains(&**word)))
    }

    /// All rows that are known and have all these words, by number.
    pub(super) fn find(&self, wanted: &[String]) -> Vec<u64> {
        self.chunks.iter().flat_map(|chunk| chunk.find(wanted)).collect()
    }
}

/// What is left of a chunk: which three bytes stand in it one after the other, more or less.
#[derive(Debug)]
struct Trace {
    rows: [u64; 2],
    /// A bit for each number that three bytes may lead to.
    bits: Box<[u64]>,
}

impl Trace {
    const WORDS: usize = 1024;

    fn of(chunk: &Chunk) -> Self {
        let mut bits = vec![0; Self::WORDS].into_boxed_slice();
        for (word, bit) in places(&chunk.text) {
            bits[word] |= bit;
        }
        Self { rows: [chunk.first, chunk.first + chunk.ends.len() as u64 - 1], bits }
    }

    fn may_have(&self, wanted: &[String]) -> bool {
        wanted.iter().flat_map(|word| places(word)).all(|(word, bit)| self.bits[word] & bit != 0)
    }
}

/// Where a trace says that it has the bytes of a text, three by three.
fn places(text: &str) -> impl Iterator<Item = (usize, u64)> {
    text.as_bytes().windows(3).map(|three| {
        let number = u32::from_le_bytes([three[0], three[1], three[2], 0]);
        // A multiplicative hash, of which the upper bits are the best.
        let place = number.wrapping_mul(0x9e37_79b1) >> 16;
        (place as usize / 64, 1 << (place % 64))
    })
}

impl Chunk {
    /// The words of one row.
    fn words(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let begin = index.checked_sub(1).map_or(0, |previous| self.ends[previous]);
        self.text.get(begin..end)
    }

    /// Looks for the first word everywhere, and for the others where that is.
    fn find(&self, wanted: &[String]) -> Vec<u64> {
        let mut found = Vec::new();
        let Some((first, others)) = wanted.split_first() else {
            return (self.first..).take(self.ends.len()).collect();
        };
        let mut passed = 0;
        for (at, _) in self.text.match_indices(&**first) {
            if at < passed {
                continue;
            }
            let index = self.ends.partition_point(|end| *end <= at);
            passed = self.ends[index];
            let words = self.words(index).unwrap_or_default();
            if others.iter().all(|word| words.contains(&**word)) {
                found.push(self.first + index as u64);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(titles: impl IntoIterator<Item = String>) -> Known {
        let mut known = Known::default();
        titles.into_iter().for_each(|title| known.add(&words(&title)));
        known
    }

    #[test]
    fn parts_of_words_are_found_in_any_case_and_order() {
        let known = known(["Disk FULL on db1", "disk ok", "full of disks", "", "Ärger"].map(str::to_owned));
        let find = |text| known.find(&asked_for(Some(text)));
        assert_eq!(find("full disk"), [1, 3]);
        assert_eq!(find("isk"), [1, 2, 3]);
        assert_eq!(find("ÄRGER"), [5]);
        assert!(find("db1disk").is_empty());
        assert_eq!(find("  "), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_oldest_words_are_forgotten_and_said_to_be() {
        let long = "x".repeat(40);
        let known = known((1..=1000).map(|number| format!("{long} {number}")));
        assert!(known.bytes <= MAX_BYTES);
        let wanted = asked_for(Some("xx 1000"));
        assert_eq!(known.find(&wanted), [1000]);
        assert_eq!(known.forgotten() % CHUNK, 0);
        assert!(known.forgotten() > 0 && known.has(1000, &wanted) && !known.has(999, &wanted));
    }

    #[test]
    fn of_forgotten_words_it_is_remembered_where_they_may_be() {
        let long = "x".repeat(40);
        let known = known((1..=1000).map(|number| format!("{long} row-{number:04}")));
        let suspects = |text| known.suspects(&asked_for(Some(text)));
        assert_eq!(suspects("row-0007 xxx"), [[5, 8]]);
        assert_eq!(suspects("row-0007 nothing"), <[[u64; 2]; 0]>::default());
        let everywhere = known.forgotten() / CHUNK;
        for text in ["row", "xx", "", "x 0"] {
            assert_eq!(suspects(text).len() as u64, everywhere, "{text}");
        }
    }
}
