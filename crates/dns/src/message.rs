//! DNS messages: questions in, answers out, cut to what the asker can take.

use crate::answer::{Answer, Data, Record as PlainRecord, RecordKind};
use crate::name::{Question, Zone, labels};
use crate::{Error, Result};
use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA, SRV, TXT};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

/// What a UDP message may hold when the asker says nothing.
const PLAIN_UDP: u16 = 512;
/// What we take and send at most over UDP: it fits every path without fragments.
const UDP_MAX: u16 = 1232;
/// Times of the zone's SOA record, as CoreDNS has them.
const REFRESH: i32 = 7200;
const RETRY: i32 = 1800;
const EXPIRE: i32 = 86400;

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Udp,
    Tcp,
}

/// A request that can be answered.
#[derive(Debug)]
pub(crate) struct Request {
    message: Message,
    query: Query,
}

/// What the zone's records have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) ttl: u32,
    pub(crate) serial: u32,
    /// Addresses begin with another one each time.
    pub(crate) rotation: usize,
}

impl Request {
    /// Reads a request; `Err` is the answer to one that cannot be understood, if it deserves any.
    pub(crate) fn read(bytes: &[u8]) -> std::result::Result<Self, Option<Vec<u8>>> {
        let Ok(message) = Message::from_vec(bytes) else { return Err(malformed(bytes)) };
        if message.metadata.message_type != MessageType::Query {
            return Err(None);
        }
        let refuse = |code| Err(bare(&message.metadata, code));
        match (message.metadata.op_code, message.queries.as_slice()) {
            (OpCode::Query, [query]) if query.query_class() == DNSClass::IN => {
                let query = query.clone();
                Ok(Self { message, query })
            }
            (OpCode::Query, [_]) => refuse(ResponseCode::Refused),
            (OpCode::Query, _) => refuse(ResponseCode::FormErr),
            _ => refuse(ResponseCode::NotImp),
        }
    }

    /// The question.
    pub(crate) fn question(&self) -> Question {
        Question { labels: labels(&self.query.name().to_ascii()), kind: kind(self.query.query_type()) }
    }

    /// The type that is asked for.
    pub(crate) fn query_type(&self) -> RecordType {
        self.query.query_type()
    }

    /// An answer from the zone.
    pub(crate) fn answered(&self, answer: &Answer, zone: &Zone, terms: Terms, way: Way) -> Result<Vec<u8>> {
        let mut response = self.response(ResponseCode::NoError);
        response.metadata.authoritative = true;
        match answer {
            Answer::Found { answers, additional } => {
                for data in rotated(answers, terms.rotation) {
                    response.add_answer(record(self.query.name().clone(), data, zone, terms)?);
                }
                for PlainRecord { name, data } in additional {
                    response.add_additional(record(full(name)?, data, zone, terms)?);
                }
            }
            Answer::NoSuchName => {
                response.metadata.response_code = ResponseCode::NXDomain;
                response.add_authority(soa(zone, terms)?);
            }
            _ => {
                response.add_authority(soa(zone, terms)?);
            }
        }
        self.encode(response, way)
    }

    /// An alias, with what is known about the name that it stands for.
    pub(crate) fn aliased(&self, target: &str, known: Vec<Record>, ttl: u32, way: Way) -> Result<Vec<u8>> {
        let mut response = self.response(ResponseCode::NoError);
        response.metadata.authoritative = true;
        response.add_answer(alias_record(self.query.name().clone(), target, ttl)?);
        response.add_answers(known);
        self.encode(response, way)
    }

    /// Records of another name, as a part of an answer.
    pub(crate) fn records(answer: &Answer, name: &str, zone: &Zone, terms: Terms) -> Result<Vec<Record>> {
        let Answer::Found { answers, .. } = answer else { return Ok(Vec::new()) };
        rotated(answers, terms.rotation).map(|data| record(full(name)?, data, zone, terms)).collect()
    }

    /// We could not find out.
    pub(crate) fn failed(&self, way: Way) -> Result<Vec<u8>> {
        self.encode(self.response(ResponseCode::ServFail), way)
    }

    fn response(&self, code: ResponseCode) -> Message {
        let mut response = Message::response(self.message.metadata.id, OpCode::Query);
        response.metadata = Metadata::response_from_request(&self.message.metadata);
        response.metadata.recursion_available = true;
        response.metadata.response_code = code;
        response.add_query(self.query.clone());
        if self.message.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_MAX).set_version(0);
            response.set_edns(edns);
        }
        response
    }

    /// Encodes; what is too long for UDP loses records and says so.
    fn encode(&self, mut response: Message, way: Way) -> Result<Vec<u8>> {
        let limit = match way {
            Way::Tcp => usize::from(u16::MAX),
            Way::Udp => {
                let offered = self.message.edns.as_ref().map_or(PLAIN_UDP, Edns::max_payload);
                usize::from(offered.clamp(PLAIN_UDP, UDP_MAX))
            }
        };
        let mut bytes = response.to_vec()?;
        while bytes.len() > limit {
            if !response.additionals.is_empty() {
                response.additionals.clear();
            } else {
                response.metadata.truncation = true;
                let keep = response.answers.len() / 2;
                response.answers.truncate(keep);
                response.authorities.clear();
            }
            bytes = response.to_vec()?;
        }
        Ok(bytes)
    }
}

/// An alias of a name that an alias led to.
pub(crate) fn alias(name: &str, target: &str, ttl: u32) -> Result<Record> {
    alias_record(full(name)?, target, ttl)
}

fn alias_record(name: Name, target: &str, ttl: u32) -> Result<Record> {
    Ok(Record::from_rdata(name, ttl, RData::CNAME(CNAME(full(target)?))))
}

/// A question to a resolver.
pub(crate) fn ask(name: &str, record_type: RecordType) -> Result<Vec<u8>> {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(full(name)?, record_type));
    Ok(message.to_vec()?)
}

/// The answers of a resolver, with the given longest time to live.
pub(crate) fn answers(bytes: &[u8], ttl: u32) -> Vec<Record> {
    let answers = Message::from_vec(bytes).map(|message| message.answers).unwrap_or_default();
    answers
        .into_iter()
        .map(|mut record| {
            record.ttl = record.ttl.min(ttl);
            record
        })
        .collect()
}

fn kind(record_type: RecordType) -> RecordKind {
    match record_type {
        RecordType::A => RecordKind::A,
        RecordType::AAAA => RecordKind::Aaaa,
        RecordType::CNAME => RecordKind::Cname,
        RecordType::NS => RecordKind::Ns,
        RecordType::PTR => RecordKind::Ptr,
        RecordType::SOA => RecordKind::Soa,
        RecordType::SRV => RecordKind::Srv,
        RecordType::TXT => RecordKind::Txt,
        _ => RecordKind::Other,
    }
}

fn rotated(answers: &[Data], by: usize) -> impl Iterator<Item = &Data> {
    let start = by.checked_rem(answers.len()).unwrap_or(0);
    answers[start..].iter().chain(&answers[..start])
}

fn record(name: Name, data: &Data, zone: &Zone, terms: Terms) -> Result<Record> {
    let data = match data {
        Data::A(address) => RData::A(A(*address)),
        Data::Aaaa(address) => RData::AAAA(AAAA(*address)),
        Data::Soa => return soa(zone, terms),
        Data::Ns(server) => RData::NS(NS(full(server)?)),
        Data::Ptr(target) => RData::PTR(PTR(full(target)?)),
        Data::Txt(text) => RData::TXT(TXT::new(vec![text.clone()])),
        Data::Srv { weight, port, target } => RData::SRV(SRV::new(0, *weight, *port, full(target)?)),
    };
    Ok(Record::from_rdata(name, terms.ttl, data))
}

fn soa(zone: &Zone, terms: Terms) -> Result<Record> {
    let server = full(&zone.name("ns.dns"))?;
    let keeper = full(&zone.name("hostmaster"))?;
    let data = SOA::new(server, keeper, terms.serial, REFRESH, RETRY, EXPIRE, terms.ttl);
    Ok(Record::from_rdata(full(&zone.name(""))?, terms.ttl, RData::SOA(data)))
}

fn full(name: &str) -> Result<Name> {
    let mut name = Name::from_ascii(name).map_err(Error::Encode)?;
    name.set_fqdn(true);
    Ok(name)
}

/// The answer to what does not parse but has a header of a query.
fn malformed(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = bytes.get(..12)?;
    if header[2] & 0x80 != 0 {
        return None;
    }
    let id = u16::from_be_bytes([header[0], header[1]]);
    let mut message = Message::response(id, OpCode::Query);
    message.metadata.response_code = ResponseCode::FormErr;
    message.to_vec().ok()
}

fn bare(request: &Metadata, code: ResponseCode) -> Option<Vec<u8>> {
    let mut message = Message::response(request.id, request.op_code);
    message.metadata = Metadata::response_from_request(request);
    message.metadata.response_code = code;
    message.to_vec().ok()
}
