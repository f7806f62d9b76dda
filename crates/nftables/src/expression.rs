//! Expressions: the instructions of a rule, run by the kernel's register machine.
//!
//! [`crate::Rule`] composes them from the field's words; they are public for what it has no word for.

use crate::attribute::{Writer, milliseconds};
use crate::datum::{DataType, Datum};
use crate::kernel::{
    REGISTER_FIRST, REGISTER_VERDICT, bitwise, compare, ct, data, dynset, expression, fib, immediate, lookup,
    masquerade, meta, nat, numgen, payload, reject,
};
use crate::set::{Element, Values};
use crate::{Family, Verdict};
use std::time::Duration;

/// One of the sixteen data registers of four bytes; longer values take the following ones, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Register(u8);

impl Register {
    /// The first register.
    pub const FIRST: Self = Self(0);

    /// The register after a value of so many bytes that begins here.
    #[must_use]
    pub fn after(self, bytes: usize) -> Self {
        Self(self.0 + bytes.div_ceil(4) as u8)
    }

    fn number(self) -> u32 {
        REGISTER_FIRST + u32::from(self.0)
    }
}

/// How a register is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal = 0,
    NotEqual = 1,
}

/// An instruction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "operands are named as the kernel names them")]
pub enum Expression {
    /// Loads bytes of the packet.
    Payload { base: u32, offset: u32, length: u32, register: Register },
    /// Loads what is known about the packet.
    Meta { key: u32, register: Register },
    /// Sets what is known about the packet.
    SetMeta { key: u32, register: Register },
    /// Loads what is known about its connection.
    Connection { key: u32, register: Register },
    /// Loads the kind of an address by the routing table: local, unicast, broadcast.
    AddressType { source: bool, register: Register },
    /// Loads a random number below `modulus`.
    Random { modulus: u32, register: Register },
    /// Loads a constant.
    Load { value: Vec<u8>, register: Register },
    /// `register = register & mask ^ xor`
    Bitwise { register: Register, mask: Vec<u8>, xor: Vec<u8> },
    /// Ends the rule unless the comparison holds.
    Compare { register: Register, comparison: Comparison, value: Vec<u8> },
    /// Ends the rule unless the key is in the set (or is, if inverted).
    Member { register: Register, set: String, inverted: bool },
    /// Decides by a verdict map; goes on if the key is not there.
    DecideBy { register: Register, map: String },
    /// Decides by a verdict map that belongs to the rule.
    DecideByOwn { register: Register, key: DataType, elements: Vec<Element> },
    /// Loads data of a map that belongs to the rule; ends the rule if the key is not there.
    LoadFromOwn {
        register: Register,
        key: DataType,
        data: Vec<DataType>,
        elements: Vec<Element>,
        destination: Register,
    },
    /// Loads data of a map; ends the rule if the key is not there.
    LoadFrom { register: Register, map: String, destination: Register },
    /// Adds a key to a dynamic set for a time, or starts its time anew.
    Remember { register: Register, set: String, timeout: Duration },
    /// Decides.
    Decide(Verdict),
    /// Translates the destination (or the source).
    Translate { destination: bool, family: Family, address: Register, port: Option<Register> },
    /// Translates the source to the address of the outgoing interface, with a random port.
    Masquerade,
    /// Answers that the port is unreachable.
    Reject { family: Family },
    /// Counts packets and bytes.
    Counter,
}

/// A set without a name that lives and dies with its rule.
pub(crate) struct OwnSet<'a> {
    pub(crate) key: DataType,
    pub(crate) values: Values,
    pub(crate) elements: &'a [Element],
}

impl Expression {
    /// The set that must be made before the rule, if the expression has one of its own.
    pub(crate) fn own_set(&self) -> Option<OwnSet<'_>> {
        match self {
            Self::DecideByOwn { key, elements, .. } => {
                Some(OwnSet { key: *key, values: Values::Verdict, elements })
            }
            Self::LoadFromOwn { key, data, elements, .. } => {
                Some(OwnSet { key: *key, values: Values::Data(data.clone()), elements })
            }
            _ => None,
        }
    }

    /// Writes the expression as a list element; `own` names the set made by [`Self::own_set`].
    pub(crate) fn write(&self, writer: &mut Writer<'_>, own: Option<(&str, u32)>) {
        match self {
            Self::Payload { base, offset, length, register } => part(writer, "payload", |w| {
                w.u32(payload::DESTINATION, register.number());
                w.u32(payload::BASE, *base);
                w.u32(payload::OFFSET, *offset);
                w.u32(payload::LENGTH, *length);
            }),
            Self::Meta { key, register } => part(writer, "meta", |w| {
                w.u32(meta::KEY, *key);
                w.u32(meta::DESTINATION, register.number());
            }),
            Self::SetMeta { key, register } => part(writer, "meta", |w| {
                w.u32(meta::KEY, *key);
                w.u32(meta::SOURCE, register.number());
            }),
            Self::Connection { key, register } => part(writer, "ct", |w| {
                w.u32(ct::KEY, *key);
                w.u32(ct::DESTINATION, register.number());
            }),
            Self::AddressType { source, register } => part(writer, "fib", |w| {
                w.u32(fib::FLAGS, if *source { fib::FLAG_SOURCE } else { fib::FLAG_DESTINATION });
                w.u32(fib::RESULT, fib::RESULT_ADDRESS_TYPE);
                w.u32(fib::DESTINATION, register.number());
            }),
            Self::Random { modulus, register } => part(writer, "numgen", |w| {
                w.u32(numgen::DESTINATION, register.number());
                w.u32(numgen::MODULUS, *modulus);
                w.u32(numgen::TYPE, numgen::RANDOM);
            }),
            Self::Load { value, register } => part(writer, "immediate", |w| {
                w.u32(immediate::DESTINATION, register.number());
                w.nested(immediate::DATA, |w| w.bytes(data::VALUE, value));
            }),
            Self::Bitwise { register, mask, xor } => part(writer, "bitwise", |w| {
                w.u32(bitwise::SOURCE, register.number());
                w.u32(bitwise::DESTINATION, register.number());
                w.u32(bitwise::LENGTH, mask.len() as u32);
                w.nested(bitwise::MASK, |w| w.bytes(data::VALUE, mask));
                w.nested(bitwise::XOR, |w| w.bytes(data::VALUE, xor));
            }),
            Self::Compare { register, comparison, value } => part(writer, "cmp", |w| {
                w.u32(compare::SOURCE, register.number());
                w.u32(compare::OPERATION, *comparison as u32);
                w.nested(compare::DATA, |w| w.bytes(data::VALUE, value));
            }),
            Self::Member { register, set, inverted } => part(writer, "lookup", |w| {
                w.text(lookup::SET, set);
                w.u32(lookup::SOURCE, register.number());
                if *inverted {
                    w.u32(lookup::FLAGS, lookup::FLAG_INVERT);
                }
            }),
            Self::DecideBy { register, map } => part(writer, "lookup", |w| {
                w.text(lookup::SET, map);
                w.u32(lookup::SOURCE, register.number());
                w.u32(lookup::DESTINATION, REGISTER_VERDICT);
            }),
            Self::DecideByOwn { register, .. } => part(writer, "lookup", |w| {
                lookup_own(w, own, *register, REGISTER_VERDICT);
            }),
            Self::LoadFromOwn { register, destination, .. } => part(writer, "lookup", |w| {
                lookup_own(w, own, *register, destination.number());
            }),
            Self::LoadFrom { register, map, destination } => part(writer, "lookup", |w| {
                w.text(lookup::SET, map);
                w.u32(lookup::SOURCE, register.number());
                w.u32(lookup::DESTINATION, destination.number());
            }),
            Self::Remember { register, set, timeout } => part(writer, "dynset", |w| {
                w.text(dynset::SET_NAME, set);
                w.u32(dynset::OPERATION, dynset::UPDATE);
                w.u32(dynset::KEY, register.number());
                w.u64(dynset::TIMEOUT, milliseconds(*timeout));
            }),
            Self::Decide(verdict) => part(writer, "immediate", |w| {
                w.u32(immediate::DESTINATION, REGISTER_VERDICT);
                w.nested(immediate::DATA, |w| verdict.write(w));
            }),
            Self::Translate { destination, family, address, port } => part(writer, "nat", |w| {
                w.u32(nat::TYPE, if *destination { nat::DESTINATION } else { nat::SOURCE });
                w.u32(nat::FAMILY, *family as u32);
                w.u32(nat::ADDRESS, address.number());
                if let Some(port) = port {
                    w.u32(nat::PORT, port.number());
                }
            }),
            Self::Masquerade => part(writer, "masq", |w| w.u32(masquerade::FLAGS, masquerade::FULLY_RANDOM)),
            Self::Reject { family } => part(writer, "reject", |w| {
                let (kind, code) = match family {
                    Family::Ip => (reject::ICMP_UNREACHABLE, reject::ICMP_PORT),
                    Family::Ip6 => (reject::ICMP_UNREACHABLE, reject::ICMPV6_PORT),
                    Family::Inet | Family::Bridge => (reject::ICMPX_UNREACHABLE, reject::ICMPX_PORT),
                };
                w.u32(reject::TYPE, kind);
                w.u8(reject::CODE, code);
            }),
            Self::Counter => part(writer, "counter", |_| {}),
        }
    }

    /// A comparison with a value.
    pub(crate) fn equals(register: Register, value: &Datum) -> Self {
        Self::Compare { register, comparison: Comparison::Equal, value: value.bytes() }
    }
}

fn part(writer: &mut Writer<'_>, name: &str, operands: impl FnOnce(&mut Writer<'_>)) {
    writer.nested(crate::kernel::LIST_ELEMENT, |w| {
        w.text(expression::NAME, name);
        w.nested(expression::DATA, operands);
    });
}

fn lookup_own(writer: &mut Writer<'_>, own: Option<(&str, u32)>, register: Register, destination: u32) {
    let (name, id) = own.expect("the batch makes the set before the rule");
    writer.text(lookup::SET, name);
    writer.u32(lookup::SET_ID, id);
    writer.u32(lookup::SOURCE, register.number());
    writer.u32(lookup::DESTINATION, destination);
}
