//! The server's door to itself, for admission plugins that write: they are made before the server that they are part of.

use crate::authentication::UserInfo;
use crate::chain::Core;
use crate::local::Local;
use std::sync::{Arc, OnceLock, Weak};

/// Leads to the server once it is put together; before that, and when it is gone, it leads nowhere.
#[derive(Default)]
pub struct OwnDoor(OnceLock<Weak<Core>>);

impl OwnDoor {
    /// Leads to this server from now on; a door never leads to a second one.
    pub(crate) fn lead_to(&self, core: &Arc<Core>) {
        // Weak, because the server holds the plugins that hold the door.
        self.0.get_or_init(|| Arc::downgrade(core));
    }

    /// The door under the server's own identity.
    pub fn open(&self) -> Option<Local> {
        let core = self.0.get()?.upgrade()?;
        let own = UserInfo::authenticated("system:apiserver", ["system:masters"]);
        Some(Local::new(core, own, "kube-apiserver"))
    }
}
