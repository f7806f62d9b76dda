//! Rules in the field's words: matches, then what to do.
//!
//! Each method appends the expressions of one match or action, in the order in which the kernel runs them; a match that
//! fails ends the rule.

use crate::datum::Datum;
use crate::expression::{Comparison, Expression, Register};
use crate::field::{self, ConnectionState, Field};
use crate::kernel::{fib, meta};
use crate::set::Element;
use crate::{DataType, Family, Verdict};
use ipnet::IpNet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A rule of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rule {
    family: Family,
    pub(crate) expressions: Vec<Expression>,
    pub(crate) comment: String,
}

const REGISTER: Register = Register::FIRST;
/// Bit of a connection's status: its destination is translated.
const STATUS_DESTINATION_TRANSLATED: u32 = 0x20;

/// Building.
impl Rule {
    /// A rule that matches everything and does nothing yet.
    pub fn new(family: Family) -> Self {
        Self { family, expressions: Vec::new(), comment: String::new() }
    }

    /// With a comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = comment.into();
        self
    }

    /// With one more expression.
    #[must_use]
    pub fn expression(mut self, expression: Expression) -> Self {
        self.expressions.push(expression);
        self
    }

    /// A number that tells this rule from others. It travels with the rule, so that whoever takes over a table can see which
    /// rules are there ([`crate::Connection::chains`]). Another version of this program may count differently, and then
    /// takes the rules for others.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn load(mut self, fields: &[Field]) -> Self {
        self.expressions.extend(field::load_all(fields, self.family, REGISTER));
        self
    }

    fn bits(self, mask: u32, comparison: Comparison) -> Self {
        self.expression(Expression::Bitwise {
            register: REGISTER,
            mask: mask.to_ne_bytes().into(),
            xor: vec![0; 4],
        })
        .expression(Expression::Compare { register: REGISTER, comparison, value: vec![0; 4] })
    }
}

/// Matches.
impl Rule {
    /// The field has this value.
    #[must_use]
    pub fn equals(self, field: Field, value: Datum) -> Self {
        self.load(&[field]).expression(Expression::equals(REGISTER, &value))
    }

    /// The packet comes from this network.
    #[must_use]
    pub fn source_in(self, network: IpNet) -> Self {
        self.address(Field::SourceAddress, network, Comparison::Equal)
    }

    /// The packet does not come from this network.
    #[must_use]
    pub fn source_not_in(self, network: IpNet) -> Self {
        self.address(Field::SourceAddress, network, Comparison::NotEqual)
    }

    /// The packet goes to this network.
    #[must_use]
    pub fn destination_in(self, network: IpNet) -> Self {
        self.address(Field::DestinationAddress, network, Comparison::Equal)
    }

    /// The packet does not go to this network.
    #[must_use]
    pub fn destination_not_in(self, network: IpNet) -> Self {
        self.address(Field::DestinationAddress, network, Comparison::NotEqual)
    }

    fn address(self, field: Field, network: IpNet, comparison: Comparison) -> Self {
        let family = if network.addr().is_ipv4() { Family::Ip } else { Family::Ip6 };
        let rule = if self.family == family { self } else { self.network_protocol(family) };
        let rule = rule.expression(field.load(family, REGISTER));
        let value = Datum::Address(network.network()).bytes();
        if network.prefix_len() == network.max_prefix_len() {
            return rule.expression(Expression::Compare { register: REGISTER, comparison, value });
        }
        let mask = Datum::Address(network.netmask()).bytes();
        let xor = vec![0; mask.len()];
        rule.expression(Expression::Bitwise { register: REGISTER, mask, xor })
            .expression(Expression::Compare { register: REGISTER, comparison, value })
    }

    /// In tables that see both families: the packet is of this one.
    #[must_use]
    pub fn network_protocol(self, family: Family) -> Self {
        self.expression(Expression::Meta { key: meta::NETWORK_PROTOCOL, register: REGISTER }).expression(
            Expression::Compare {
                register: REGISTER,
                comparison: Comparison::Equal,
                value: vec![family as u8],
            },
        )
    }

    /// The packet is of this transport protocol.
    #[must_use]
    pub fn protocol(self, protocol: u8) -> Self {
        self.equals(Field::Protocol, Datum::Protocol(protocol))
    }

    /// The packet goes to this port; a protocol match comes before it.
    #[must_use]
    pub fn destination_port(self, port: u16) -> Self {
        self.equals(Field::DestinationPort, Datum::Port(port))
    }

    /// Its connection is in this state.
    #[must_use]
    pub fn connection_state(self, state: ConnectionState) -> Self {
        self.expression(field::load_state(REGISTER)).bits(state as u32, Comparison::NotEqual)
    }

    /// The destination of its connection was translated.
    #[must_use]
    pub fn destination_translated(self) -> Self {
        self.expression(field::load_status(REGISTER))
            .bits(STATUS_DESTINATION_TRANSLATED, Comparison::NotEqual)
    }

    /// It bears one of these mark bits.
    #[must_use]
    pub fn marked(self, bits: u32) -> Self {
        self.load(&[Field::Mark]).bits(bits, Comparison::NotEqual)
    }

    /// It bears none of these mark bits.
    #[must_use]
    pub fn not_marked(self, bits: u32) -> Self {
        self.load(&[Field::Mark]).bits(bits, Comparison::Equal)
    }

    /// Its source is an address of this machine.
    #[must_use]
    pub fn source_is_local(self) -> Self {
        self.local(true)
    }

    /// Its destination is an address of this machine.
    #[must_use]
    pub fn destination_is_local(self) -> Self {
        self.local(false)
    }

    fn local(self, source: bool) -> Self {
        self.expression(Expression::AddressType { source, register: REGISTER }).expression(
            Expression::Compare {
                register: REGISTER,
                comparison: Comparison::Equal,
                value: fib::LOCAL.to_ne_bytes().into(),
            },
        )
    }

    /// It came in here.
    #[must_use]
    pub fn input_interface(self, name: &str) -> Self {
        self.equals(Field::InputInterface, Datum::InterfaceName(name.to_owned()))
    }

    /// It goes out here.
    #[must_use]
    pub fn output_interface(self, name: &str) -> Self {
        self.equals(Field::OutputInterface, Datum::InterfaceName(name.to_owned()))
    }

    /// It does not go out here.
    #[must_use]
    pub fn not_output_interface(self, name: &str) -> Self {
        let value = Datum::InterfaceName(name.to_owned()).bytes();
        let comparison = Comparison::NotEqual;
        self.load(&[Field::OutputInterface]).expression(Expression::Compare {
            register: REGISTER,
            comparison,
            value,
        })
    }

    /// The fields are in a set.
    #[must_use]
    pub fn member(self, fields: &[Field], set: &str) -> Self {
        self.load(fields).expression(Expression::Member {
            register: REGISTER,
            set: set.into(),
            inverted: false,
        })
    }

    /// The fields are not in a set.
    #[must_use]
    pub fn not_member(self, fields: &[Field], set: &str) -> Self {
        self.load(fields).expression(Expression::Member {
            register: REGISTER,
            set: set.into(),
            inverted: true,
        })
    }
}

/// Actions.
impl Rule {
    /// Decides.
    #[must_use]
    pub fn verdict(self, verdict: Verdict) -> Self {
        self.expression(Expression::Decide(verdict))
    }

    /// Goes on in a chain and comes back.
    #[must_use]
    pub fn jump(self, chain: &str) -> Self {
        self.verdict(Verdict::jump(chain))
    }

    /// Goes on in a chain for good.
    #[must_use]
    pub fn goto(self, chain: &str) -> Self {
        self.verdict(Verdict::goto(chain))
    }

    /// Decides by a verdict map; the next rule follows if the fields are not in it.
    #[must_use]
    pub fn decide_by(self, fields: &[Field], map: &str) -> Self {
        self.load(fields).expression(Expression::DecideBy { register: REGISTER, map: map.into() })
    }

    /// Takes one of the verdicts, each with the same chance.
    #[must_use]
    pub fn random_verdict(self, verdicts: Vec<Verdict>) -> Self {
        let modulus = verdicts.len() as u32;
        let elements =
            (0..).zip(verdicts).map(|(i, v)| Element::new([Datum::Number(i)]).verdict(v)).collect();
        self.expression(Expression::Random { modulus, register: REGISTER })
            .expression(Expression::DecideByOwn { register: REGISTER, key: DataType::Number, elements })
    }

    /// Sets bits of the mark.
    #[must_use]
    pub fn set_mark(self, bits: u32) -> Self {
        self.change_mark(bits, bits)
    }

    /// Clears bits of the mark.
    #[must_use]
    pub fn clear_mark(self, bits: u32) -> Self {
        self.change_mark(bits, 0)
    }

    fn change_mark(self, bits: u32, xor: u32) -> Self {
        self.load(&[Field::Mark])
            .expression(Expression::Bitwise {
                register: REGISTER,
                mask: (!bits).to_ne_bytes().into(),
                xor: xor.to_ne_bytes().into(),
            })
            .expression(Expression::SetMeta { key: meta::MARK, register: REGISTER })
    }

    /// Sends the connection to another address.
    #[must_use]
    pub fn translate_destination(self, address: IpAddr) -> Self {
        let family = family_of(address);
        self.expression(Expression::Load { value: Datum::Address(address).bytes(), register: REGISTER })
            .expression(Expression::Translate { destination: true, family, address: REGISTER, port: None })
    }

    /// Sends the connection to another address and port.
    #[must_use]
    pub fn translate_destination_port(self, to: SocketAddr) -> Self {
        let address = Datum::Address(to.ip());
        let second = REGISTER.after(address.data_type().length());
        self.expression(Expression::Load { value: address.bytes(), register: REGISTER })
            .expression(Expression::Load { value: Datum::Port(to.port()).bytes(), register: second })
            .expression(translate(to.ip(), second))
    }

    /// Sends the connection to one of several addresses and ports of one family, each with the same chance.
    #[must_use]
    pub fn translate_destination_random(self, to: &[SocketAddr]) -> Self {
        let [first, _, ..] = to else {
            return match to {
                [only] => self.translate_destination_port(*only),
                _ => self,
            };
        };
        let address = DataType::of_address(first.ip());
        let elements = (0..)
            .zip(to)
            .map(|(i, to)| {
                Element::new([Datum::Number(i)]).data([Datum::Address(to.ip()), Datum::Port(to.port())])
            })
            .collect();
        self.expression(Expression::Random { modulus: to.len() as u32, register: REGISTER })
            .expression(Expression::LoadFromOwn {
                register: REGISTER,
                key: DataType::Number,
                data: vec![address, DataType::Port],
                elements,
                destination: REGISTER,
            })
            .expression(translate(first.ip(), REGISTER.after(address.length())))
    }

    /// Sends the connection to the address and port that a map has for these fields.
    #[must_use]
    pub fn translate_destination_from(self, fields: &[Field], map: &str) -> Self {
        let family = self.family;
        let address = Field::DestinationAddress.data_type(family);
        self.load(fields)
            .expression(Expression::LoadFrom { register: REGISTER, map: map.into(), destination: REGISTER })
            .expression(Expression::Translate {
                destination: true,
                family,
                address: REGISTER,
                port: Some(REGISTER.after(address.length())),
            })
    }

    /// Sends the connection to one of the `count` entries that a map has for these fields, each with the same chance. The
    /// map's key is the fields and a mark with the entry's index, its data address and port. Many services share one such
    /// rule, and an entry changes without a change of rules.
    #[must_use]
    pub fn translate_destination_by(mut self, fields: &[Field], map: &str, count: u32) -> Self {
        let family = self.family;
        let mut index = REGISTER;
        for field in fields {
            index = index.after(field.data_type(family).length());
        }
        let address = Field::DestinationAddress.data_type(family);
        self.expressions.extend(field::load_all(fields, family, REGISTER));
        self.expression(Expression::Random { modulus: count, register: index })
            .expression(Expression::LoadFrom { register: REGISTER, map: map.into(), destination: REGISTER })
            .expression(Expression::Translate {
                destination: true,
                family,
                address: REGISTER,
                port: Some(REGISTER.after(address.length())),
            })
    }

    /// Hides the source behind the address of the interface where the packet leaves.
    #[must_use]
    pub fn masquerade(self) -> Self {
        self.expression(Expression::Masquerade)
    }

    /// Adds the fields to a dynamic set for a time, or starts their time anew.
    #[must_use]
    pub fn remember(self, fields: &[Field], set: &str, timeout: Duration) -> Self {
        self.load(fields).expression(Expression::Remember { register: REGISTER, set: set.into(), timeout })
    }

    /// Answers that the port is unreachable.
    #[must_use]
    pub fn reject(self) -> Self {
        let family = self.family;
        self.expression(Expression::Reject { family })
    }

    /// Counts.
    #[must_use]
    pub fn counter(self) -> Self {
        self.expression(Expression::Counter)
    }
}

fn translate(to: IpAddr, port: Register) -> Expression {
    Expression::Translate { destination: true, family: family_of(to), address: REGISTER, port: Some(port) }
}

fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::Ip } else { Family::Ip6 }
}
