//! A connection to nf_tables: commits batches, reads back what is there.

use crate::attribute::{Attributes, Writer};
use crate::datum;
use crate::kernel::{chain, data, element, flag, message, rule, set, table, userdata};
use crate::set::{Element, Mapped, Set, Values};
use crate::socket::{Answer, Header, Socket};
use crate::userdata::read_u64;
use crate::{Batch, Error, Family, Result, Table, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

/// Most elements that are read back from one set.
const ELEMENTS_MAX: usize = 1 << 20;

/// A connection to the nf_tables of the network namespace of the thread that opened it.
///
/// Calls are short system calls that never wait for anything but the kernel's own work.
#[derive(Debug)]
pub struct Connection {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// If there is no such socket.
    pub fn open() -> Result<Self> {
        Ok(Self { socket: Socket::open()?, buffer: Vec::new() })
    }

    /// Applies a batch: all of it, or nothing.
    ///
    /// # Errors
    /// If the kernel refuses an operation; the first one is named.
    pub fn commit(&mut self, batch: &Batch) -> Result<()> {
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        // Operations carry their index as sequence number; begin and end come after the last of them.
        let last = batch.starts.len() - 1;
        let frame = batch.starts.len() as u32;
        self.buffer.clear();
        self.buffer.reserve(batch.bytes.len() + 64);
        frame_message(message::BATCH_BEGIN, frame, &mut self.buffer);
        let begin = self.buffer.len();
        self.buffer.extend_from_slice(&batch.bytes);
        acknowledge(&mut self.buffer, begin + batch.starts[last]);
        frame_message(message::BATCH_END, frame + 1, &mut self.buffer);

        self.socket.drain();
        let sent = self.socket.send(&self.buffer);
        if self.buffer.capacity() > 1024 * 1024 {
            self.buffer = Vec::new();
        }
        sent?;
        self.outcome(batch)
    }

    /// Reads the outcomes of a batch. The kernel reports refused operations in their order, and the last operation in any
    /// case; a commit that fails as a whole is reported under the number of the beginning.
    fn outcome(&mut self, batch: &Batch) -> Result<()> {
        let last = batch.starts.len() as u32 - 1;
        let mut first = None;
        let mut others = 0;
        let read = self.socket.receive(|answer| {
            let Answer::Outcome { sequence, code, explanation } = answer else { return Ok(true) };
            if code != 0 {
                match first {
                    None => first = Some((sequence, code, explanation)),
                    Some(_) => others += 1,
                }
            }
            Ok(sequence < last)
        });
        let Some((sequence, code, explanation)) = first else { return read };
        self.socket.drain();
        let operation = batch.describe(sequence as usize);
        Err(Error::Refused { operation, source: io::Error::from_raw_os_error(code), explanation, others })
    }

    /// Names of the tables of a family.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn tables(&mut self, family: Family) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        self.dump(
            message::GET_TABLE,
            family,
            |_| {},
            |attributes| {
                if let Some(name) = attributes.text(table::NAME) {
                    tables.push(Table::new(family, name));
                }
            },
        )?;
        Ok(tables)
    }

    /// Chains of a table, with the digests of their rules in order; a rule that something else wrote has none.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn chains(&mut self, table: &Table) -> Result<BTreeMap<String, Vec<Option<u64>>>> {
        let mut chains: BTreeMap<String, Vec<Option<u64>>> = BTreeMap::new();
        let ours = |attributes: Attributes<'_>, kind| attributes.text(kind) == Some(&table.name);
        self.dump(
            message::GET_CHAIN,
            table.family,
            |_| {},
            |attributes| {
                if let Some(name) = attributes.text(chain::NAME).filter(|_| ours(attributes, chain::TABLE)) {
                    chains.insert(name.to_owned(), Vec::new());
                }
            },
        )?;
        let request = |w: &mut Writer<'_>| w.text(rule::TABLE, &table.name);
        self.dump(message::GET_RULE, table.family, request, |attributes| {
            let chain = attributes.text(rule::CHAIN).filter(|_| ours(attributes, rule::TABLE));
            if let Some(rules) = chain.and_then(|name| chains.get_mut(name)) {
                let data = attributes.get(rule::USERDATA).unwrap_or_default();
                rules.push(read_u64(data, userdata::RULE_DIGEST));
            }
        })?;
        Ok(chains)
    }

    /// Names of the sets and maps of a table, without those that belong to rules.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn sets(&mut self, table: &Table) -> Result<BTreeSet<String>> {
        let mut sets = BTreeSet::new();
        let request = |w: &mut Writer<'_>| w.text(set::TABLE, &table.name);
        self.dump(message::GET_SET, table.family, request, |attributes| {
            let anonymous = attributes.u32(set::FLAGS).unwrap_or(0) & set::FLAG_ANONYMOUS != 0;
            if let Some(name) = attributes.text(set::NAME).filter(|_| !anonymous) {
                sets.insert(name.to_owned());
            }
        })?;
        Ok(sets)
    }

    /// Elements of a set, which must have the given types. Those that rules add come with the time they have left.
    ///
    /// # Errors
    /// If there is no such set.
    pub fn elements(&mut self, table: &Table, set: &Set) -> Result<Vec<Element>> {
        let mut elements = Vec::new();
        let request = |w: &mut Writer<'_>| {
            w.text(element::LIST_TABLE, &table.name);
            w.text(element::LIST_SET, &set.name);
        };
        self.dump(message::GET_SET_ELEMENT, table.family, request, |attributes| {
            let list = attributes.nested(element::LIST_ELEMENTS).unwrap_or(Attributes(&[]));
            let room = ELEMENTS_MAX - elements.len();
            elements.extend(list.filter_map(|(_, bytes)| read_element(set, Attributes(bytes))).take(room));
        })?;
        Ok(elements)
    }

    fn dump(
        &mut self,
        kind: u16,
        family: Family,
        request: impl FnOnce(&mut Writer<'_>),
        mut each: impl FnMut(Attributes<'_>),
    ) -> Result<()> {
        self.buffer.clear();
        Header {
            kind: message::SUBSYSTEM_NFTABLES << 8 | kind,
            flags: flag::REQUEST | flag::DUMP,
            sequence: 0,
            family: family as u8,
            resource: 0,
        }
        .open(&mut self.buffer);
        request(&mut Writer::new(&mut self.buffer));
        Header::close(&mut self.buffer, 0);
        self.socket.drain();
        self.socket.send(&self.buffer)?;
        self.socket.receive(|answer| match answer {
            Answer::Object { attributes } => {
                each(attributes);
                Ok(true)
            }
            Answer::Outcome { code: 0, .. } | Answer::Done { code: 0 } => Ok(false),
            Answer::Outcome { code, .. } | Answer::Done { code } => Err(Error::Refused {
                operation: "read".into(),
                source: io::Error::from_raw_os_error(code),
                explanation: String::new(),
                others: 0,
            }),
        })
    }
}

fn frame_message(kind: u16, sequence: u32, out: &mut Vec<u8>) {
    let start = out.len();
    Header { kind, flags: flag::REQUEST, sequence, family: 0, resource: message::SUBSYSTEM_NFTABLES }
        .open(out);
    Header::close(out, start);
}

/// Asks for an answer to the message that begins here.
fn acknowledge(bytes: &mut [u8], start: usize) {
    let flags = u16::from_ne_bytes([bytes[start + 6], bytes[start + 7]]) | flag::ACK;
    bytes[start + 6..start + 8].copy_from_slice(&flags.to_ne_bytes());
}

fn read_element(set: &Set, attributes: Attributes<'_>) -> Option<Element> {
    let key = datum::decode(&set.key, attributes.nested(element::KEY)?.get(data::VALUE)?)?;
    let mapped = attributes.nested(element::DATA);
    let value = match &set.values {
        Values::None => Mapped::Nothing,
        Values::Verdict => Mapped::Verdict(Verdict::read(mapped?.nested(data::VERDICT)?)?),
        Values::Data(types) => Mapped::Data(datum::decode(types, mapped?.get(data::VALUE)?)?),
    };
    let expires = attributes.u64(element::EXPIRATION).map(Duration::from_millis);
    Some(Element { key, value, comment: String::new(), expires })
}
