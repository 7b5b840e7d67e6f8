//! Tables, and the few ways in which their rows change, in either dialect.

use super::Cell;

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Bytes,
    Text,
}

/// A column by name and type.
pub(crate) type Column = (&'static str, Kind);

/// A table that is folded from the log.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// All columns; those of the key come first.
    pub(crate) columns: &'static [Column],
    /// How many columns the key has.
    pub(crate) key: usize,
    /// Whether rows are looked up by the key while a batch is written. Otherwise a rebuild may sort them once, after
    /// the load.
    pub(crate) keyed: bool,
}

/// Whether the tables that are asked are meant, or those that are built to take their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Live,
    Next,
}

impl Side {
    /// Its row in `read_progress`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Next => "next",
        }
    }

    /// What the names of its tables end with.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Live => "",
            Self::Next => "_next",
        }
    }
}

/// How rows change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// New rows; one whose key exists changes nothing.
    Insert,
    /// New rows, or new values for existing ones.
    Put,
    /// Some new values for existing rows; one whose key does not exist changes nothing.
    Merge(&'static Merge),
    /// Rows go, by key.
    Delete,
}

/// An update of some columns.
#[derive(Debug)]
pub(crate) struct Merge {
    /// The values that are given; those of the key come first.
    pub(crate) columns: &'static [Column],
    /// SQL for the new values, in terms of `kept` (the row) and `given` (these values).
    pub(crate) set: &'static str,
}

/// Rows of one table that change in one way. No key occurs twice.
#[derive(Debug)]
pub(crate) struct Rows {
    table: &'static Table,
    change: Change,
    cells: Vec<Cell>,
}

impl Rows {
    pub(crate) const fn new(table: &'static Table, change: Change) -> Self {
        Self { table, change, cells: Vec::new() }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [Cell; N]) {
        debug_assert_eq!(N, self.columns().len(), "`{}` has another number of columns", self.table.name);
        self.cells.extend(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The columns that each row gives.
    pub(super) fn columns(&self) -> &'static [Column] {
        match self.change {
            Change::Insert | Change::Put => self.table.columns,
            Change::Merge(merge) => merge.columns,
            Change::Delete => &self.table.columns[..self.table.key],
        }
    }

    /// The rows one by one.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, Cell> {
        self.cells.chunks_exact(self.columns().len())
    }

    /// One column of all rows.
    pub(super) fn column(&self, index: usize) -> impl Iterator<Item = &Cell> {
        self.cells.iter().skip(index).step_by(self.columns().len())
    }

    /// The statement that makes the change. `source` is SQL that yields the rows, and `given` a table of them that is
    /// called so.
    pub(super) fn sql(&self, side: Side, source: &str, given: &str) -> String {
        let target = format!("{}{}", self.table.name, side.suffix());
        let names = |columns: &[Column]| columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let (key, rest) = self.table.columns.split_at(self.table.key);
        let columns = names(self.columns());
        let insert = format!("INSERT INTO {target} ({columns}) {source}");
        let same_key = || {
            let pairs = key.iter().map(|(name, _)| format!("kept.{name} = given.{name}"));
            pairs.collect::<Vec<_>>().join(" AND ")
        };
        match self.change {
            Change::Insert => format!("{insert} ON CONFLICT DO NOTHING"),
            Change::Put => {
                let set = rest.iter().map(|(name, _)| format!("{name} = excluded.{name}"));
                let set = set.collect::<Vec<_>>().join(", ");
                format!("{insert} ON CONFLICT ({}) DO UPDATE SET {set}", names(key))
            }
            Change::Merge(merge) => {
                format!("UPDATE {target} AS kept SET {} FROM {given} WHERE {}", merge.set, same_key())
            }
            Change::Delete => {
                format!("DELETE FROM {target} WHERE ({0}) IN (SELECT {0} FROM {given})", names(key))
            }
        }
    }
}

/// A question for the rows of some ids. `{side}` stands for the tables' suffix, `{ids}` for "is one of the ids".
#[derive(Debug)]
pub(crate) struct Lookup(pub(crate) &'static str);

impl Lookup {
    pub(super) fn sql(&self, side: Side, ids: &str) -> String {
        self.0.replace("{side}", side.suffix()).replace("{ids}", ids)
    }
}

/// How far a side is folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Rises when tables take the place of others.
    pub(crate) generation: u64,
    pub(crate) position: store::Position,
    /// The hash of the event at that position; empty before the first.
    pub(crate) hash: Vec<u8>,
}

impl Table {
    /// Its name on a side.
    pub(crate) fn on(&self, side: Side) -> sea_query::Alias {
        sea_query::Alias::new(format!("{}{}", self.name, side.suffix()))
    }

    /// All columns by name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|(name, _)| *name)
    }

    /// The question for all of it, in the order of its key.
    pub(super) fn scan(&self) -> String {
        let names: Vec<_> = self.names().collect();
        format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), self.name, names[..self.key].join(", "))
    }
}
