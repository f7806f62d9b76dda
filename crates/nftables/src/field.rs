//! What rules look at: fields of a packet, its way and its connection, and how each gets into a register.

use crate::Family;
use crate::datum::DataType;
use crate::expression::{Expression, Register};
use crate::kernel::{ct, meta, payload};

/// A field that can be compared, looked up, or be a part of a concatenated key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// `ip saddr` or `ip6 saddr`, by the table's family.
    SourceAddress,
    /// `ip daddr` or `ip6 daddr`, by the table's family.
    DestinationAddress,
    /// `meta l4proto`
    Protocol,
    /// `th sport`
    SourcePort,
    /// `th dport`
    DestinationPort,
    /// `meta mark`
    Mark,
    /// `meta iifname`
    InputInterface,
    /// `meta oifname`
    OutputInterface,
}

/// State that the connection tracker gives a packet; the numbers are the kernel's bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ConnectionState {
    /// Belongs to no connection it could.
    Invalid = 1,
    /// Of a connection that was seen in both directions.
    Established = 2,
    /// Begins a connection that another one expects.
    Related = 4,
    /// Begins a connection.
    New = 8,
}

impl Field {
    /// Type of its values.
    pub fn data_type(self, family: Family) -> DataType {
        match self {
            Self::SourceAddress | Self::DestinationAddress if family == Family::Ip6 => DataType::Ipv6Address,
            Self::SourceAddress | Self::DestinationAddress => DataType::Ipv4Address,
            Self::Protocol => DataType::Protocol,
            Self::SourcePort | Self::DestinationPort => DataType::Port,
            Self::Mark => DataType::Mark,
            Self::InputInterface | Self::OutputInterface => DataType::InterfaceName,
        }
    }

    /// Loads the field of a packet of this family.
    pub fn load(self, family: Family, register: Register) -> Expression {
        let length = self.data_type(family).length() as u32;
        let network = |offset| Expression::Payload { base: payload::BASE_NETWORK, offset, length, register };
        let transport =
            |offset| Expression::Payload { base: payload::BASE_TRANSPORT, offset, length, register };
        match self {
            Self::SourceAddress if family == Family::Ip6 => network(8),
            Self::SourceAddress => network(12),
            Self::DestinationAddress if family == Family::Ip6 => network(24),
            Self::DestinationAddress => network(16),
            Self::SourcePort => transport(0),
            Self::DestinationPort => transport(2),
            Self::Protocol => Expression::Meta { key: meta::TRANSPORT_PROTOCOL, register },
            Self::Mark => Expression::Meta { key: meta::MARK, register },
            Self::InputInterface => Expression::Meta { key: meta::INPUT_NAME, register },
            Self::OutputInterface => Expression::Meta { key: meta::OUTPUT_NAME, register },
        }
    }
}

/// Loads fields one after the other, as a concatenated key wants them, from a register on.
pub(crate) fn load_all(fields: &[Field], family: Family, first: Register) -> Vec<Expression> {
    let mut register = first;
    fields
        .iter()
        .map(|field| {
            let load = field.load(family, register);
            register = register.after(field.data_type(family).length());
            load
        })
        .collect()
}

/// Loads the state bits of the packet's connection.
pub(crate) fn load_state(register: Register) -> Expression {
    Expression::Connection { key: ct::STATE, register }
}

/// Loads the status bits of the packet's connection.
pub(crate) fn load_status(register: Register) -> Expression {
    Expression::Connection { key: ct::STATUS, register }
}
