//! The rows, one file each, in the order in which the design lists them.
//!
//! To add one: a file here with a type that implements [`Row`], and a line in [`all`].

pub mod binary;
pub mod idle;
pub mod list;
pub mod operations;
pub mod pods;
pub mod scheduling;
pub mod scheduling_api;
pub mod services;
pub mod shim;
pub mod start;
pub mod watch;

use crate::row::Row;

/// Every row.
pub fn all() -> Vec<Box<dyn Row>> {
    let mut rows: Vec<Box<dyn Row>> =
        vec![Box::new(start::Start), Box::new(idle::Idle), Box::new(binary::Binary)];
    for operation in operations::Operation::ALL {
        rows.push(Box::new(operation));
    }
    rows.push(Box::new(list::List));
    rows.push(Box::new(watch::Watch));
    rows.push(Box::new(scheduling::Scheduling));
    rows.push(Box::new(scheduling_api::SchedulingApi));
    rows.push(Box::new(pods::OneAtATime));
    rows.push(Box::new(pods::AtOnce));
    rows.push(Box::new(shim::Shim));
    rows.push(Box::new(services::Change));
    rows.push(Box::new(services::Load));
    rows
}
