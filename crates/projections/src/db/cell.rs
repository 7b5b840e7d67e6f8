//! What a column holds, the same in both databases.

use domain::Timestamp;
use sha2::Digest;
use uuid::Uuid;

use crate::ReadError;

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    /// The bytes of a UUID.
    Id([u8; 16]),
    /// A byte for the kind and the bytes of a UUID.
    Key([u8; 17]),
    Bytes(Vec<u8>),
    Text(String),
}

impl Cell {
    /// Adds the value to a sum, so that no two rows of a table add the same.
    pub(crate) fn digest(&self, sum: &mut impl Digest) {
        let (tag, bytes): (u8, &[u8]) = match self {
            Self::Null => (0, &[]),
            Self::Int(number) => (1, &number.to_be_bytes()),
            Self::Text(text) => (3, text.as_bytes()),
            Self::Id(_) | Self::Key(_) | Self::Bytes(_) => (2, self.bytes().unwrap_or_default()),
        };
        sum.update([tag]);
        sum.update((bytes.len() as u64).to_be_bytes());
        sum.update(bytes);
    }

    /// The bytes of a binary value.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Id(id) => Some(id),
            Self::Key(key) => Some(key),
            Self::Bytes(bytes) => Some(bytes),
            Self::Null | Self::Int(_) | Self::Text(_) => None,
        }
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Int(number.cast_signed())
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.millis())
    }
}

impl From<Uuid> for Cell {
    fn from(id: Uuid) -> Self {
        Self::Id(id.into_bytes())
    }
}

impl From<[u8; 17]> for Cell {
    fn from(key: [u8; 17]) -> Self {
        Self::Key(key)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row as it comes back, read from left to right.
#[derive(Clone, Debug)]
pub(crate) struct Row(std::vec::IntoIter<Cell>);

impl Row {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    /// The next value.
    pub(crate) fn take<T: FromCell>(&mut self) -> Result<T, ReadError> {
        let cell = self.0.next().unwrap_or(Cell::Null);
        T::from_cell(cell).ok_or_else(|| ReadError::Damaged("a column holds another type of value".into()))
    }

    /// All values.
    pub(crate) fn cells(&self) -> &[Cell] {
        self.0.as_slice()
    }
}

/// A type that a value can be read as.
pub(crate) trait FromCell: Sized {
    fn from_cell(cell: Cell) -> Option<Self>;
}

impl FromCell for i64 {
    fn from_cell(cell: Cell) -> Option<Self> {
        if let Cell::Int(number) = cell { Some(number) } else { None }
    }
}

impl FromCell for u64 {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for u32 {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell)?.try_into().ok()
    }
}

impl FromCell for Timestamp {
    fn from_cell(cell: Cell) -> Option<Self> {
        i64::from_cell(cell).map(Self::from_millis)
    }
}

impl FromCell for Uuid {
    fn from_cell(cell: Cell) -> Option<Self> {
        cell.bytes().and_then(|bytes| Self::from_slice(bytes).ok())
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell) -> Option<Self> {
        match cell {
            Cell::Bytes(bytes) => Some(bytes),
            other => other.bytes().map(<[u8]>::to_vec),
        }
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text) } else { None }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell) -> Option<Self> {
        if cell == Cell::Null { Some(None) } else { T::from_cell(cell).map(Some) }
    }
}
