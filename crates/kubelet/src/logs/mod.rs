//! Container logs in CRI's format, `<RFC3339Nano> <stdout|stderr> <P|F> <text>`: rotation, and reading for `kubectl logs`.
//!
//! The runtime writes `<n>.log`; rotation renames it to `<n>.log.<time>`, asks the runtime to open it anew, compresses
//! all but the newest rotated file and removes the oldest.

pub mod changes;
pub mod line;
pub mod read;
pub mod rotate;
pub mod rotation;
