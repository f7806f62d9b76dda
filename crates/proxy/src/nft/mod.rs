//! The nftables back end: one table `kube-proxy` per address family, laid out like upstream's.
//!
//! `layout` holds what is always there: base chains on the hooks and the sets and maps that they look things up in.
//! `render` turns slots into elements and chains. A batch is ordered so that nothing is used before it is made and
//! nothing removed while it is used.

mod layout;
mod render;

use crate::facts::{Family, NodeFacts};
use crate::ruleset::{Change, Slot};
use crate::{Backend, Result};
use layout::Layout;
use render::Renderer;
use skiff_nftables::{Batch, Connection, Element};
use std::collections::HashMap;

/// The bit of the packet mark that asks for masquerade; upstream's default.
pub const MASQUERADE_MARK: u32 = 1 << 14;

/// Elements of the sets of clients that stick to endpoints, by set.
type Remembered = HashMap<String, Vec<Element>>;

/// The back end.
pub struct Nftables {
    connection: Connection,
    /// Of the last replacement.
    node: NodeFacts,
    /// Families that have a table.
    laid: Vec<Family>,
}

impl Nftables {
    /// Connects to the kernel of this thread's network namespace.
    ///
    /// # Errors
    /// If there is no nf_tables.
    pub fn open() -> Result<Self> {
        Ok(Self { connection: Connection::open()?, node: NodeFacts::default(), laid: Vec::new() })
    }

    /// Removes what any instance made. Missing is success.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn cleanup() -> Result<()> {
        let mut connection = Connection::open()?;
        let mut batch = Batch::new();
        for family in Family::ALL {
            let layout = Layout::of(family, &NodeFacts::default());
            if connection.tables(layout.nft_family())?.contains(&layout.table()) {
                batch.delete_table(&layout.table());
            }
        }
        Ok(connection.commit(&batch)?)
    }

    /// Clients that stick to endpoints, so that replacing the table does not forget them.
    fn remembered(&mut self, layout: Layout, all: &[Change]) -> Remembered {
        let mut remembered = Remembered::new();
        for change in all {
            let Slot::AffinitySet(name) = &change.slot else { continue };
            // There is none when the endpoint is new or the table is.
            if let Ok(elements) = self.connection.elements(&layout.table(), &layout.affinity_set(name)) {
                remembered.insert(name.clone(), elements);
            }
        }
        remembered
    }
}

impl Backend for Nftables {
    fn replace(&mut self, node: &NodeFacts, all: &[(Family, Vec<Change>)]) -> Result<()> {
        let mut batch = Batch::new();
        let mut laid = Vec::new();
        for family in Family::ALL {
            let layout = Layout::of(family, node);
            let exists = self.connection.tables(layout.nft_family())?.contains(&layout.table());
            if exists {
                batch.delete_table(&layout.table());
            }
            // A family that nobody uses gets no table, so that its packets pass no hooks of ours.
            let Some((_, changes)) = all.iter().find(|(of, changes)| *of == family && !changes.is_empty())
            else {
                continue;
            };
            let remembered = self.remembered(layout, changes);
            layout.lay(&mut batch, &node.addresses);
            Renderer::new(layout, &mut batch, remembered).render(changes);
            laid.push(family);
        }
        self.connection.commit(&batch)?;
        self.node = node.clone();
        self.laid = laid;
        Ok(())
    }

    fn apply(&mut self, changes: &[(Family, Vec<Change>)]) -> Result<()> {
        let mut batch = Batch::new();
        let mut laid = self.laid.clone();
        for (family, changes) in changes.iter().filter(|(_, changes)| !changes.is_empty()) {
            let layout = Layout::of(*family, &self.node);
            if !laid.contains(family) {
                layout.lay(&mut batch, &self.node.addresses);
                laid.push(*family);
            }
            Renderer::new(layout, &mut batch, Remembered::new()).render(changes);
        }
        self.connection.commit(&batch)?;
        self.laid = laid;
        Ok(())
    }
}
