//! ServiceAccounts.

use super::cells;
use crate::{Cell, Column, Strategy};
use jiff::Timestamp;
use skiff_apimachinery::Document;

/// `v1 ServiceAccount`.
pub(crate) struct ServiceAccount;

impl Strategy for ServiceAccount {
    fn columns(&self) -> Vec<Column> {
        vec![Column::name(), Column::text("Secrets"), Column::age()]
    }

    fn cells(&self, object: &Document, now: Timestamp) -> Vec<Cell> {
        vec![cells::name(object), cells::count(object, &["secrets"]), cells::age(object, now)]
    }
}
