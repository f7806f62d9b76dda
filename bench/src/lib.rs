//! The benchmark: measures a real server against the budgets that the design sets.
//!
//! Place in the data's way: none; `cargo xtask bench` builds the server and this program and runs it. A [`Row`] measures one
//! thing (a family of figures) against a server that it starts and removes itself; [`rows`] lists them all, and its
//! documentation says how to add one.
//!
//! Invariants:
//! - what is measured is the shipped binary, through its sockets, unless the row says that a part is measured alone;
//! - the client side is light (one thread, raw HTTP/1.1 over kept-open TLS connections, nothing decoded that need not be),
//!   because it shares the machine with the server; figures of CPU are the server's alone;
//! - every run starts from an empty data directory and leaves nothing behind;
//! - a budget is a number in a row and never a test: the suite only checks that rows work and that figures are sane.

pub mod connection;
pub mod figure;
pub mod load;
pub mod machine;
pub mod objects;
pub mod process;
pub mod readme;
pub mod results;
pub mod row;
pub mod rows;
pub mod site;
pub mod statistics;
pub mod table;
pub mod target;

pub use figure::{Budget, Figure};
pub use row::{Bench, Measured, Row};
