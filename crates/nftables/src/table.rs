//! Tables and address families.

/// Address family of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Family {
    /// IPv4 and IPv6 together; rules that look at addresses must match the network protocol first.
    Inet = 1,
    /// IPv4.
    Ip = 2,
    /// IPv6.
    Ip6 = 10,
    /// Frames of a bridge.
    Bridge = 7,
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inet => "inet",
            Self::Ip => "ip",
            Self::Ip6 => "ip6",
            Self::Bridge => "bridge",
        })
    }
}

/// A table: the name space of chains and sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Table {
    /// Which packets it can see.
    pub family: Family,
    /// Its name.
    pub name: String,
}

impl Table {
    /// From its parts.
    pub fn new(family: Family, name: impl Into<String>) -> Self {
        Self { family, name: name.into() }
    }
}
