//! `AlwaysAdmit`: lets everything pass. Upstream keeps the name for the sake of old flags.

use super::Plugin;

/// The plugin.
pub struct AlwaysAdmit;

impl Plugin for AlwaysAdmit {
    fn name(&self) -> &'static str {
        "AlwaysAdmit"
    }
}
