//! What every store does, by area.

pub mod compaction;
pub mod expiry;
pub mod ranges;
pub mod watches;
pub mod writes;
