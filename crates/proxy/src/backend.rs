//! What turns the model into rules of the kernel.

use crate::Result;
use crate::facts::{Family, NodeFacts};
use crate::ruleset::Change;

/// A back end: makes the kernel hold what the model says, in both address families.
///
/// To add one, implement this trait in a module of its own and let `ProxyConfig` choose it. Each call is one step for
/// packets: they see everything of it or nothing.
pub trait Backend: Send + 'static {
    /// Makes the kernel hold exactly this, whatever it held; `all` are changes from nothing.
    ///
    /// # Errors
    /// If the kernel refuses; nothing is changed then.
    fn replace(&mut self, node: &NodeFacts, all: &[(Family, Vec<Change>)]) -> Result<()>;

    /// Applies changes to what was applied before.
    ///
    /// # Errors
    /// If the kernel refuses, such as when somebody else changed the rules; nothing is changed then.
    fn apply(&mut self, changes: &[(Family, Vec<Change>)]) -> Result<()>;
}
