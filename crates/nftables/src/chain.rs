//! Chains: lists of rules; base chains hang on a hook of the packet's way.

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Its name, unique in the table.
    pub name: String,
    /// Where packets enter it by themselves; `None` if only rules lead there.
    pub base: Option<Base>,
    /// Shown by `nft list`; empty for none.
    pub comment: String,
}

/// What makes a chain a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// What it may do.
    pub kind: ChainType,
    /// Where it hangs.
    pub hook: Hook,
    /// Its turn among the chains of that hook; lower comes first.
    pub priority: i32,
    /// What happens to packets that reach its end.
    pub policy: Policy,
}

/// What a base chain may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainType {
    /// Accept, drop, reject.
    Filter,
    /// Translate addresses; sees the first packet of each connection.
    Nat,
    /// Change what routing depends on.
    Route,
}

/// Hooks of the packet's way; the numbers are the kernel's for the IP families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Hook {
    /// Before routing.
    Prerouting = 0,
    /// To this machine.
    Input = 1,
    /// Through this machine.
    Forward = 2,
    /// From this machine.
    Output = 3,
    /// After routing.
    Postrouting = 4,
}

/// Fate of packets at the end of a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Policy {
    /// Lost.
    Drop = 0,
    /// On to the next chain.
    Accept = 1,
}

/// Priorities that the kernel's own parts have; what is between them is free.
pub mod priority {
    /// Connection tracking.
    pub const CONNTRACK: i32 = -200;
    /// Translation of destinations. On the output hook, too: names of the `nft` tool mean other numbers there.
    pub const DESTINATION_NAT: i32 = -100;
    /// Usual filters.
    pub const FILTER: i32 = 0;
    /// Translation of sources.
    pub const SOURCE_NAT: i32 = 100;
}

impl ChainType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Nat => "nat",
            Self::Route => "route",
        }
    }
}

impl Chain {
    /// A chain that rules jump to.
    pub fn regular(name: impl Into<String>) -> Self {
        Self { name: name.into(), base: None, comment: String::new() }
    }

    /// A chain on a hook that accepts what reaches its end.
    pub fn base(name: impl Into<String>, kind: ChainType, hook: Hook, priority: i32) -> Self {
        let base = Base { kind, hook, priority, policy: Policy::Accept };
        Self { name: name.into(), base: Some(base), comment: String::new() }
    }

    /// With a comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = comment.into();
        self
    }
}
