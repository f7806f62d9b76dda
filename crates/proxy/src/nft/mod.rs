//! The nftables back end: one table `kube-proxy` per address family, laid out like upstream's.
//!
//! `layout` holds what is always there: base chains on the hooks and the sets and maps that they look things up in.
//! `render` turns slots into elements and chains. A batch is ordered so that nothing is used before it is made and
//! nothing removed while it is used. A table that is there is taken over: `present` finds what it has already.

mod layout;
mod present;
mod render;

use crate::facts::{Family, NodeFacts};
use crate::ruleset::Change;
use crate::{Backend, Result};
use layout::Layout;
use present::Present;
use render::Renderer;
use skiff_nftables::{Batch, Connection};

/// The bit of the packet mark that asks for masquerade; upstream's default.
pub const MASQUERADE_MARK: u32 = 1 << 14;

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

    /// Brings the tables to what is wanted, from what is present in them or from nothing.
    fn write(&mut self, node: &NodeFacts, all: &[(Family, Vec<Change>)], start: Start) -> Result<()> {
        let mut batch = Batch::new();
        let mut laid = Vec::new();
        for family in Family::ALL {
            let layout = Layout::of(family, node);
            let exists = self.connection.tables(layout.nft_family())?.contains(&layout.table());
            // A family that nobody uses gets no table, so that its packets pass no hooks of ours.
            let wanted = all.iter().find(|(of, changes)| *of == family && !changes.is_empty());
            let mut present = Present::default();
            match start {
                Start::Present if exists && wanted.is_some() => {
                    present = Present::read(&mut self.connection, layout)?;
                }
                _ if exists => batch.delete_table(&layout.table()),
                _ => {}
            }
            let Some((_, changes)) = wanted else { continue };
            layout.lay(&mut batch, &node.addresses, &mut present);
            Renderer::new(layout, &mut batch, present).render(changes);
            laid.push(family);
        }
        self.connection.commit(&batch)?;
        self.node = node.clone();
        self.laid = laid;
        Ok(())
    }
}

/// What a complete writing starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// What the table has: only differences change, so no packet finds a gap.
    Present,
    /// Nothing: the table goes and is made anew.
    Nothing,
}

impl Backend for Nftables {
    fn replace(&mut self, node: &NodeFacts, all: &[(Family, Vec<Change>)]) -> Result<()> {
        self.write(node, all, Start::Present).or_else(|error| {
            // Somebody, or another version, laid it out differently.
            tracing::info!(%error, "the table cannot be taken over, making it anew");
            self.write(node, all, Start::Nothing)
        })
    }

    fn apply(&mut self, changes: &[(Family, Vec<Change>)]) -> Result<()> {
        let mut batch = Batch::new();
        let mut laid = self.laid.clone();
        for (family, changes) in changes.iter().filter(|(_, changes)| !changes.is_empty()) {
            let layout = Layout::of(*family, &self.node);
            if !laid.contains(family) {
                layout.lay(&mut batch, &self.node.addresses, &mut Present::default());
                laid.push(*family);
            }
            Renderer::new(layout, &mut batch, Present::default()).render(changes);
        }
        self.connection.commit(&batch)?;
        self.laid = laid;
        Ok(())
    }
}
