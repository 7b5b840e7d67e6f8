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
    /// New rows, or more bytes behind those that existing ones have; all columns but the key's are bytes.
    Grow,
    /// New rows, or numbers that are added to those that existing ones have; all columns but the key's are numbers.
    Add,
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
    /// SQL for the new values, in terms of the row, which is called `kept`, and of these values, as `{name}`.
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
            Change::Insert | Change::Put | Change::Grow | Change::Add => self.table.columns,
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

    /// The statement that makes the change to the rows that are given.
    pub(super) fn sql(&self, side: Side, given: &Given) -> String {
        let target = format!("{}{}", self.table.name, side.suffix());
        let names = |columns: &[Column]| columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let (key, rest) = self.table.columns.split_at(self.table.key);
        let insert =
            || format!("INSERT INTO {target} AS kept ({}) {}", names(self.columns()), self.source(given));
        let set_key = || {
            let pairs = key.iter().map(|(name, _)| format!("kept.{name} = {{{name}}}"));
            pairs.collect::<Vec<_>>().join(" AND ")
        };
        let table = |word: &str| match given {
            Given::OneByOne => String::new(),
            Given::AllAtOnce(table) => format!(" {word} {table}"),
        };
        let sql = match self.change {
            Change::Insert => return format!("{} ON CONFLICT DO NOTHING", insert()),
            Change::Put | Change::Grow | Change::Add => {
                let value = |name: &str| match self.change {
                    Change::Grow => given.joined(name),
                    Change::Add => format!("kept.{name} + excluded.{name}"),
                    _ => format!("excluded.{name}"),
                };
                let set = rest.iter().map(|(name, _)| format!("{name} = {}", value(name)));
                let set = set.collect::<Vec<_>>().join(", ");
                return format!("{} ON CONFLICT ({}) DO UPDATE SET {set}", insert(), names(key));
            }
            Change::Merge(merge) => {
                format!("UPDATE {target} AS kept SET {}{} WHERE {}", merge.set, table("FROM"), set_key())
            }
            Change::Delete => format!("DELETE FROM {target} AS kept{} WHERE {}", table("USING"), set_key()),
        };
        (1..).zip(self.columns()).fold(sql, |sql, (index, (name, _))| {
            sql.replace(&format!("{{{name}}}"), &given.value(index, name))
        })
    }

    /// SQL that yields the rows.
    fn source(&self, given: &Given) -> String {
        let values: Vec<_> =
            (1..).zip(self.columns()).map(|(index, (name, _))| given.value(index, name)).collect();
        let values = values.join(", ");
        match given {
            Given::OneByOne => format!("VALUES ({values})"),
            Given::AllAtOnce(table) => format!("SELECT {values} FROM {table}"),
        }
    }
}

/// How a statement gets its rows.
#[derive(Debug)]
pub(super) enum Given {
    /// Its parameters are the columns of one row.
    OneByOne,
    /// SQL for a table of them all, which is called `given`.
    AllAtOnce(String),
}

impl Given {
    /// SQL for a value of a row.
    fn value(&self, index: usize, name: &str) -> String {
        match self {
            Self::OneByOne => format!("?{index}"),
            Self::AllAtOnce(_) => format!("given.{name}"),
        }
    }

    /// SQL for the bytes of a row that exists with those of a row that was to be inserted behind them.
    fn joined(&self, name: &str) -> String {
        let joined = format!("kept.{name} || excluded.{name}");
        match self {
            // To SQLite, what was joined is text.
            Self::OneByOne => format!("CAST({joined} AS BLOB)"),
            Self::AllAtOnce(_) => joined,
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
