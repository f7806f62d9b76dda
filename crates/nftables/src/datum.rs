//! Typed values of sets, maps and rules, and how they lie in registers.
//!
//! A key of several fields is a concatenation: each field begins at a register of four bytes. The type numbers are those
//! of the `nft` tool; the kernel only stores them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Type of a field of a key or of a map's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `ipv4_addr`
    Ipv4Address,
    /// `ipv6_addr`
    Ipv6Address,
    /// `inet_proto`
    Protocol,
    /// `inet_service`
    Port,
    /// `mark`
    Mark,
    /// `ifname`
    InterfaceName,
    /// A plain number in the machine's byte order, such as `numgen` gives.
    Number,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Datum {
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
    /// An IP protocol number.
    Protocol(u8),
    /// A port.
    Port(u16),
    /// A packet mark.
    Mark(u32),
    /// Name of a network interface.
    InterfaceName(String),
    /// A plain number.
    Number(u32),
}

pub(crate) const BYTE_ORDER_HOST: u32 = 1;
pub(crate) const BYTE_ORDER_NETWORK: u32 = 2;

/// Longest name of a network interface, with its final zero.
const INTERFACE_NAME_LENGTH: usize = 16;
/// Bits of a type number in a concatenation's type.
const TYPE_BITS: u32 = 6;

impl DataType {
    /// Bytes of a value.
    pub fn length(self) -> usize {
        match self {
            Self::Protocol => 1,
            Self::Port => 2,
            Self::Ipv4Address | Self::Mark | Self::Number => 4,
            Self::Ipv6Address | Self::InterfaceName => INTERFACE_NAME_LENGTH,
        }
    }

    /// The type of addresses of an address's family.
    pub fn of_address(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4Address } else { Self::Ipv6Address }
    }

    fn number(self) -> u32 {
        match self {
            Self::Number => 4,
            Self::Ipv4Address => 7,
            Self::Ipv6Address => 8,
            Self::Protocol => 12,
            Self::Port => 13,
            Self::Mark => 19,
            Self::InterfaceName => 41,
        }
    }

    fn byte_order(self) -> u32 {
        match self {
            Self::Mark | Self::InterfaceName | Self::Number => BYTE_ORDER_HOST,
            _ => BYTE_ORDER_NETWORK,
        }
    }
}

impl Datum {
    /// Its type.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Address(address) => DataType::of_address(*address),
            Self::Protocol(_) => DataType::Protocol,
            Self::Port(_) => DataType::Port,
            Self::Mark(_) => DataType::Mark,
            Self::InterfaceName(_) => DataType::InterfaceName,
            Self::Number(_) => DataType::Number,
        }
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Address(IpAddr::V4(address)) => out.extend_from_slice(&address.octets()),
            Self::Address(IpAddr::V6(address)) => out.extend_from_slice(&address.octets()),
            Self::Protocol(protocol) => out.push(*protocol),
            Self::Port(port) => out.extend_from_slice(&port.to_be_bytes()),
            Self::Mark(number) | Self::Number(number) => out.extend_from_slice(&number.to_ne_bytes()),
            Self::InterfaceName(name) => {
                let mut bytes = [0; INTERFACE_NAME_LENGTH];
                let length = name.len().min(INTERFACE_NAME_LENGTH - 1);
                bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
                out.extend_from_slice(&bytes);
            }
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data_type().length());
        self.write(&mut out);
        out
    }

    fn read(data_type: DataType, bytes: &[u8]) -> Option<Self> {
        Some(match data_type {
            DataType::Ipv4Address => Self::Address(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
            DataType::Ipv6Address => Self::Address(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
            DataType::Protocol => Self::Protocol(*bytes.first()?),
            DataType::Port => Self::Port(u16::from_be_bytes(bytes.try_into().ok()?)),
            DataType::Mark => Self::Mark(u32::from_ne_bytes(bytes.try_into().ok()?)),
            DataType::Number => Self::Number(u32::from_ne_bytes(bytes.try_into().ok()?)),
            DataType::InterfaceName => {
                let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
                Self::InterfaceName(String::from_utf8_lossy(&bytes[..end]).into_owned())
            }
        })
    }
}

impl From<IpAddr> for Datum {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl std::fmt::Display for Datum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Protocol(protocol) => protocol.fmt(f),
            Self::Port(port) => port.fmt(f),
            Self::Mark(number) | Self::Number(number) => number.fmt(f),
            Self::InterfaceName(name) => f.write_str(name),
        }
    }
}

/// The type number of a key of one field or a concatenation.
pub(crate) fn type_number(types: &[DataType]) -> u32 {
    types.iter().fold(0, |number, t| number << TYPE_BITS | t.number())
}

/// Bytes of a key of one field or a concatenation.
pub(crate) fn length(types: &[DataType]) -> usize {
    match types {
        [one] => one.length(),
        many => many.iter().map(|t| t.length().next_multiple_of(4)).sum(),
    }
}

/// The byte order that the `nft` tool assumes for a key.
pub(crate) fn byte_order(types: &[DataType]) -> u32 {
    match types {
        [one] => one.byte_order(),
        _ => BYTE_ORDER_NETWORK,
    }
}

/// A key or a map's data as it lies in registers.
pub(crate) fn encode(data: &[Datum]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    match data {
        [one] => one.write(&mut out),
        many => {
            for datum in many {
                datum.write(&mut out);
                out.resize(out.len().next_multiple_of(4), 0);
            }
        }
    }
    out
}

/// Reads a key or a map's data.
pub(crate) fn decode(types: &[DataType], mut bytes: &[u8]) -> Option<Vec<Datum>> {
    let mut data = Vec::with_capacity(types.len());
    for data_type in types {
        data.push(Datum::read(*data_type, bytes.get(..data_type.length())?)?);
        bytes = bytes.get(data_type.length().next_multiple_of(4)..).unwrap_or_default();
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_concatenation_pads_each_field_to_a_register() {
        let key = [Datum::Address([10, 0, 0, 1].into()), Datum::Protocol(6), Datum::Port(80)];
        let types: Vec<_> = key.iter().map(Datum::data_type).collect();
        let bytes = encode(&key);
        assert_eq!(bytes, [10, 0, 0, 1, 6, 0, 0, 0, 0, 80, 0, 0]);
        assert_eq!(bytes.len(), length(&types));
        assert_eq!(type_number(&types), 0x730d);
        assert_eq!(decode(&types, &bytes), Some(key.to_vec()));
    }

    #[test]
    fn a_single_field_is_not_padded() {
        assert_eq!(encode(&[Datum::Port(80)]), [0, 80]);
        assert_eq!(length(&[DataType::Port]), 2);
    }
}
