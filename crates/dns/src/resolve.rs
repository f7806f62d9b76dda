//! From a request's bytes to an answer's bytes.

use crate::answer::{Answer, answer};
use crate::cluster::ClusterWorld;
use crate::forward::Forwarder;
use crate::message::{self, Request, Terms, Way};
use crate::name::{Question, Zone};
use hickory_proto::rr::{Record, RecordType};
use std::sync::atomic::{AtomicUsize, Ordering};
use tracing::debug;

/// An ExternalName may stand for another one, so often.
const ALIASES_MAX: usize = 8;

/// Resolves requests.
pub(crate) struct Resolver {
    pub(crate) zone: Zone,
    pub(crate) world: ClusterWorld,
    pub(crate) forwarder: Forwarder,
    pub(crate) ttl: u32,
    rotation: AtomicUsize,
}

/// What a request needs.
pub(crate) enum Step {
    /// Nothing more: the answer, if it deserves one.
    Done(Option<Vec<u8>>),
    /// A resolver outside, or a look at the name that an alias stands for.
    Outside(Box<Request>, Option<String>),
}

impl Resolver {
    pub(crate) fn new(zone: Zone, world: ClusterWorld, forwarder: Forwarder, ttl: u32) -> Self {
        Self { zone, world, forwarder, ttl, rotation: AtomicUsize::new(0) }
    }

    /// Answers what the cluster knows, without waiting.
    pub(crate) fn begin(&self, bytes: &[u8], way: Way) -> Step {
        let request = match Request::read(bytes) {
            Ok(request) => request,
            Err(answer) => return Step::Done(answer),
        };
        match answer(&request.question(), &self.zone, &self.world) {
            Answer::Elsewhere => Step::Outside(Box::new(request), None),
            Answer::Alias(target) => Step::Outside(Box::new(request), Some(target)),
            known => {
                let bytes = request.answered(&known, &self.zone, self.terms(), way);
                Step::Done(bytes.inspect_err(|error| debug!(%error, "answer not sent")).ok())
            }
        }
    }

    /// Answers what needs a resolver outside.
    pub(crate) async fn finish(
        &self,
        request: &Request,
        alias: Option<String>,
        bytes: &[u8],
        way: Way,
    ) -> Option<Vec<u8>> {
        let answered = match alias {
            None => self.forwarder.ask(bytes, way).await,
            Some(target) => {
                let known = self.chase(&target, request).await;
                request.aliased(&target, known, self.ttl, way)
            }
        };
        answered
            .or_else(|error| {
                debug!(%error, "question not answered");
                request.failed(way)
            })
            .ok()
    }

    /// What is known of the name that an alias stands for; askers do not look further themselves.
    async fn chase(&self, target: &str, request: &Request) -> Vec<Record> {
        let mut records = Vec::new();
        if request.query_type() == RecordType::CNAME {
            return records;
        }
        let mut target = target.to_owned();
        for _ in 0..ALIASES_MAX {
            let question = Question::new(&target, request.question().kind);
            match answer(&question, &self.zone, &self.world) {
                Answer::Elsewhere => {
                    records.extend(self.ask_outside(&target, request.query_type()).await);
                    break;
                }
                Answer::Alias(next) => {
                    records.extend(message::alias(&target, &next, self.ttl));
                    target = next;
                }
                known => {
                    let found = Request::records(&known, &target, &self.zone, self.terms());
                    records.extend(found.unwrap_or_default());
                    break;
                }
            }
        }
        records
    }

    async fn ask_outside(&self, name: &str, record_type: RecordType) -> Vec<Record> {
        let asked = async {
            let request = message::ask(name, record_type)?;
            self.forwarder.ask(&request, Way::Udp).await
        };
        match asked.await {
            Ok(bytes) => message::answers(&bytes, self.ttl),
            Err(error) => {
                debug!(%error, name, "external name not resolved");
                Vec::new()
            }
        }
    }

    fn terms(&self) -> Terms {
        let rotation = self.rotation.fetch_add(1, Ordering::Relaxed);
        // The zone changes all the time; a serial of the time of asking is what CoreDNS gives, too.
        let serial = u32::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        Terms { ttl: self.ttl, serial, rotation }
    }
}
