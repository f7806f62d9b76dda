//! A batch: operations in kernel form, applied together or not at all.
//!
//! Operations are encoded as they are added, so that ten thousand services cost one buffer and no tree of objects. What
//! cannot be encoded is remembered and reported when the batch is committed.

use crate::attribute::{Attributes, Writer, milliseconds};
use crate::datum;
use crate::expression::OwnSet;
use crate::kernel::{LIST_ELEMENT, chain, data, element, flag, message, rule, set, table, userdata};
use crate::set::{Element, Mapped, Set, Values};
use crate::socket::{HEADER_LENGTH, Header};
use crate::userdata::{Userdata, comment};
use crate::{Chain, Error, Family, Result, Rule, Table};

/// Longest name of tables, chains and sets, without the final zero.
const NAME_MAX: usize = 255;
/// Elements of one message stop here, well below what a nested attribute can hold.
const ELEMENTS_BYTES: usize = 48 * 1024;

/// Operations for one transaction.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// Where each operation begins; its index is its sequence number.
    pub(crate) starts: Vec<usize>,
    invalid: Option<String>,
    next_set_id: u32,
}

/// Operations.
impl Batch {
    /// Nothing to do yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.invalid.is_none()
    }

    /// How many operations it holds.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Makes a table, unless it exists.
    pub fn add_table(&mut self, table: &Table, text: &str) {
        self.check_name(&table.name);
        self.message(message::NEW_TABLE, flag::CREATE, table.family, |w| {
            w.text(table::NAME, &table.name);
            w.u32(table::FLAGS, 0);
            put_userdata(w, table::USERDATA, &comment(text));
        });
    }

    /// Removes a table with everything in it; it must exist.
    pub fn delete_table(&mut self, table: &Table) {
        self.message(message::DELETE_TABLE, 0, table.family, |w| w.text(table::NAME, &table.name));
    }

    /// Removes a table with everything in it, if it exists.
    pub fn remove_table(&mut self, table: &Table) {
        self.add_table(table, "");
        self.delete_table(table);
    }

    /// Makes a chain, unless it exists.
    pub fn add_chain(&mut self, table: &Table, chain: &Chain) {
        self.check_name(&chain.name);
        self.message(message::NEW_CHAIN, flag::CREATE, table.family, |w| {
            w.text(chain::TABLE, &table.name);
            w.text(chain::NAME, &chain.name);
            if let Some(base) = &chain.base {
                w.text(chain::TYPE, base.kind.name());
                w.u32(chain::POLICY, base.policy as u32);
                w.nested(chain::HOOK, |w| {
                    w.u32(chain::HOOK_NUMBER, base.hook as u32);
                    w.u32(chain::HOOK_PRIORITY, base.priority as u32);
                });
            }
            put_userdata(w, chain::USERDATA, &comment(&chain.comment));
        });
    }

    /// Removes a chain with its rules; nothing may lead to it any more.
    pub fn delete_chain(&mut self, table: &Table, name: &str) {
        self.message(message::DELETE_CHAIN, 0, table.family, |w| {
            w.text(chain::TABLE, &table.name);
            w.text(chain::NAME, name);
        });
    }

    /// Removes all rules of a chain.
    pub fn flush_chain(&mut self, table: &Table, name: &str) {
        self.message(message::DELETE_RULE, 0, table.family, |w| {
            w.text(rule::TABLE, &table.name);
            w.text(rule::CHAIN, name);
        });
    }

    /// Appends a rule to a chain, with the sets of its own.
    pub fn add_rule(&mut self, table: &Table, chain: &str, rule: &Rule) {
        let mut own = Vec::new();
        for expression in &rule.expressions {
            own.push(expression.own_set().map(|set| self.add_own_set(table, &set)));
        }
        self.message(message::NEW_RULE, flag::CREATE | flag::APPEND, table.family, |w| {
            w.text(rule::TABLE, &table.name);
            w.text(rule::CHAIN, chain);
            w.nested(rule::EXPRESSIONS, |w| {
                for (expression, own) in rule.expressions.iter().zip(&own) {
                    expression.write(w, own.map(|id| (OWN_MAP, id)));
                }
            });
            let userdata = comment(&rule.comment).u64(userdata::RULE_DIGEST, rule.digest());
            put_userdata(w, rule::USERDATA, &userdata);
        });
    }

    /// Makes a set or map, unless it exists.
    pub fn add_set(&mut self, table: &Table, set: &Set) {
        self.check_name(&set.name);
        let id = self.set_id();
        let flags = if set.dynamic.is_some() { set::FLAG_TIMEOUT | set::FLAG_EVAL } else { 0 };
        let types = SetTypes { key: &set.key, values: &set.values };
        self.message(message::NEW_SET, flag::CREATE, table.family, |w| {
            w.text(set::TABLE, &table.name);
            w.text(set::NAME, &set.name);
            w.u32(set::ID, id);
            types.write(w, flags);
            if let Some(timeout) = set.dynamic {
                w.u64(set::TIMEOUT, milliseconds(timeout));
            }
            let userdata = types.userdata().comment(userdata::SET_COMMENT, &set.comment);
            w.bytes(set::USERDATA, userdata.bytes());
        });
    }

    /// Removes a set; no rule may use it any more.
    pub fn delete_set(&mut self, table: &Table, name: &str) {
        self.message(message::DELETE_SET, 0, table.family, |w| {
            w.text(set::TABLE, &table.name);
            w.text(set::NAME, name);
        });
    }

    /// Adds elements; those that are there with the same value are left alone, with another they refuse the batch.
    pub fn add_elements(&mut self, table: &Table, set: &Set, elements: &[Element]) {
        for element in elements {
            if let Err(error) = set.check(element) {
                self.invalid.get_or_insert_with(|| error.to_string());
                return;
            }
        }
        self.elements(message::NEW_SET_ELEMENT, flag::CREATE, table, (&set.name, None), elements);
    }

    /// Removes elements by their keys; all must exist.
    pub fn delete_elements(&mut self, table: &Table, set: &str, elements: &[Element]) {
        self.elements(message::DELETE_SET_ELEMENT, 0, table, (set, None), elements);
    }

    /// Removes all elements of a set.
    pub fn flush_set(&mut self, table: &Table, name: &str) {
        self.message(message::DELETE_SET_ELEMENT, 0, table.family, |w| {
            w.text(element::LIST_TABLE, &table.name);
            w.text(element::LIST_SET, name);
        });
    }
}

/// The kernel puts a number there.
const OWN_MAP: &str = "__map%d";

/// Encoding.
impl Batch {
    fn add_own_set(&mut self, table: &Table, own: &OwnSet<'_>) -> u32 {
        let id = self.set_id();
        let key = [own.key];
        let types = SetTypes { key: &key, values: &own.values };
        self.message(message::NEW_SET, flag::CREATE, table.family, |w| {
            w.text(set::TABLE, &table.name);
            w.text(set::NAME, OWN_MAP);
            w.u32(set::ID, id);
            types.write(w, set::FLAG_ANONYMOUS | set::FLAG_CONSTANT);
            w.nested(set::DESCRIPTION, |w| w.u32(set::DESCRIPTION_SIZE, own.elements.len() as u32));
            w.bytes(set::USERDATA, types.userdata().bytes());
        });
        self.elements(message::NEW_SET_ELEMENT, flag::CREATE, table, (OWN_MAP, Some(id)), own.elements);
        id
    }

    fn elements(
        &mut self,
        kind: u16,
        flags: u16,
        table: &Table,
        set: (&str, Option<u32>),
        elements: &[Element],
    ) {
        let mut rest = elements.iter().peekable();
        while rest.peek().is_some() {
            self.message(kind, flags, table.family, |w| {
                w.text(element::LIST_TABLE, &table.name);
                w.text(element::LIST_SET, set.0);
                if let Some(id) = set.1 {
                    w.u32(element::LIST_SET_ID, id);
                }
                w.nested(element::LIST_ELEMENTS, |w| {
                    let mut size = 0;
                    while size < ELEMENTS_BYTES
                        && let Some(element) = rest.next()
                    {
                        size += write_element(w, element);
                    }
                });
            });
        }
    }

    fn message(&mut self, kind: u16, flags: u16, family: Family, fill: impl FnOnce(&mut Writer<'_>)) {
        let start = self.bytes.len();
        let sequence = self.starts.len() as u32;
        self.starts.push(start);
        let header = Header {
            kind: message::SUBSYSTEM_NFTABLES << 8 | kind,
            flags: flag::REQUEST | flags,
            sequence,
            family: family as u8,
            resource: 0,
        };
        header.open(&mut self.bytes);
        let mut writer = Writer::new(&mut self.bytes);
        fill(&mut writer);
        if writer.overflowed() {
            self.invalid.get_or_insert_with(|| "a rule or set is too large for one message".into());
        }
        Header::close(&mut self.bytes, start);
    }

    fn set_id(&mut self) -> u32 {
        self.next_set_id += 1;
        self.next_set_id
    }

    fn check_name(&mut self, name: &str) {
        if name.is_empty() || name.len() > NAME_MAX || name.contains('\0') {
            self.invalid.get_or_insert_with(|| format!("{name:?} is no name for a table, chain or set"));
        }
    }

    /// Why it cannot be committed, if it cannot.
    pub(crate) fn check(&self) -> Result<()> {
        self.invalid.as_ref().map_or(Ok(()), |reason| Err(Error::Invalid(reason.clone())))
    }

    /// An operation in words, for errors.
    pub(crate) fn describe(&self, operation: usize) -> String {
        let Some(start) = self.starts.get(operation) else { return "commit".into() };
        let end = self.starts.get(operation + 1).copied().unwrap_or(self.bytes.len());
        let bytes = &self.bytes[*start..end];
        let attributes = Attributes(bytes.get(HEADER_LENGTH..).unwrap_or_default());
        let kind = u16::from_ne_bytes([bytes[4], bytes[5]]) & 0xff;
        let (verb, name) = match kind {
            message::NEW_TABLE => ("add table", None),
            message::DELETE_TABLE => ("delete table", None),
            message::NEW_CHAIN => ("add chain", attributes.text(chain::NAME)),
            message::DELETE_CHAIN => ("delete chain", attributes.text(chain::NAME)),
            message::NEW_RULE => ("add rule to chain", attributes.text(rule::CHAIN)),
            message::DELETE_RULE => ("flush chain", attributes.text(rule::CHAIN)),
            message::NEW_SET => ("add set", attributes.text(set::NAME)),
            message::DELETE_SET => ("delete set", attributes.text(set::NAME)),
            message::NEW_SET_ELEMENT => ("add elements to set", attributes.text(element::LIST_SET)),
            _ => ("delete elements of set", attributes.text(element::LIST_SET)),
        };
        let table = attributes.text(table::NAME).unwrap_or_default();
        name.map_or_else(|| format!("{verb} {table}"), |name| format!("{verb} {name} of table {table}"))
    }
}

fn write_element(writer: &mut Writer<'_>, element: &Element) -> usize {
    let key = element.key_bytes();
    let mut size = 32 + key.len();
    writer.nested(LIST_ELEMENT, |w| {
        w.nested(element::KEY, |w| w.bytes(data::VALUE, &key));
        match &element.value {
            Mapped::Nothing => {}
            Mapped::Verdict(verdict) => {
                w.nested(element::DATA, |w| verdict.write(w));
                size += 300;
            }
            Mapped::Data(values) => {
                w.nested(element::DATA, |w| w.bytes(data::VALUE, &datum::encode(values)));
                size += 64;
            }
        }
        if let Some(left) = element.expires {
            w.u64(element::EXPIRATION, milliseconds(left));
        }
        put_userdata(w, element::USERDATA, &comment(&element.comment));
        size += element.comment.len();
    });
    size
}

fn put_userdata(writer: &mut Writer<'_>, kind: u16, userdata: &Userdata) {
    if !userdata.bytes().is_empty() {
        writer.bytes(kind, userdata.bytes());
    }
}

/// What a set message says about types.
struct SetTypes<'a> {
    key: &'a [crate::DataType],
    values: &'a Values,
}

impl SetTypes<'_> {
    fn write(&self, writer: &mut Writer<'_>, flags: u32) {
        let map = if *self.values == Values::None { 0 } else { set::FLAG_MAP };
        writer.u32(set::FLAGS, flags | map);
        writer.u32(set::KEY_TYPE, datum::type_number(self.key));
        writer.u32(set::KEY_LENGTH, datum::length(self.key) as u32);
        match self.values {
            Values::None => {}
            Values::Verdict => {
                writer.u32(set::DATA_TYPE, set::DATA_VERDICT);
                writer.u32(set::DATA_LENGTH, 0);
            }
            Values::Data(types) => {
                writer.u32(set::DATA_TYPE, datum::type_number(types));
                writer.u32(set::DATA_LENGTH, datum::length(types) as u32);
            }
        }
    }

    fn userdata(&self) -> Userdata {
        let userdata = Userdata::default().u32(userdata::SET_KEY_BYTE_ORDER, datum::byte_order(self.key));
        match self.values {
            Values::Data(types) => userdata.u32(userdata::SET_DATA_BYTE_ORDER, datum::byte_order(types)),
            Values::Verdict => userdata.u32(userdata::SET_DATA_BYTE_ORDER, 0),
            Values::None => userdata,
        }
    }
}
