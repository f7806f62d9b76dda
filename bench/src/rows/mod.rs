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
use crate::site::Store;
use watch::{Pace, Watch};

/// Every row.
pub fn all() -> Vec<Box<dyn Row>> {
    let mut rows: Vec<Box<dyn Row>> =
        vec![Box::new(start::Start), Box::new(idle::Idle), Box::new(binary::Binary)];
    for store in Store::ALL {
        for operations in operations::Operations::all(store) {
            rows.push(Box::new(operations));
        }
        rows.push(Box::new(list::List(store)));
        rows.push(Box::new(Watch(Pace::Paced, store)));
        rows.push(Box::new(Watch(Pace::Full, store)));
    }
    rows.push(Box::new(scheduling::Scheduling));
    rows.push(Box::new(scheduling_api::SchedulingApi));
    rows.push(Box::new(pods::OneAtATime));
    rows.push(Box::new(pods::AtOnce));
    rows.push(Box::new(shim::Shim));
    rows.push(Box::new(services::Change));
    rows.push(Box::new(services::Load));
    rows
}
