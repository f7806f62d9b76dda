//! Options of list, watch, get, delete and writes, read from the query (and the body of deletions) as upstream reads them.

mod delete;
mod list;
#[cfg(test)]
mod tests;
mod write;

pub use delete::{DeleteOptions, Propagation};
pub use list::{ListOptions, ReadAt, parse_revision};
pub use write::{FieldValidation, WriteOptions};
