//! What a write is to take: any address or port that seems to be free, or the one that was asked for.

use super::ports::PortRange;
use super::ranges::Ranges;
use super::taken::{Claim, Taken, Thing};
use skiff_apimachinery::Status;
use std::net::IpAddr;

/// What a dry run shows in place of node ports that it does not look for.
const FIRST_SHOWN_PORT: u16 = 32_769;
const PORT_IS_TAKEN: &str = "provided port is already allocated";

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client asked for what it cannot have.
    Refused(Status),
    /// Nothing seems to be left.
    Full(Status),
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(status)
    }
}

/// The claims of one write. A dry run claims nothing that others would see.
pub(super) struct Plan<'a> {
    pub(super) ranges: &'a Ranges,
    pub(super) ports: &'a PortRange,
    pub(super) taken: &'a mut Taken,
    pub(super) dry_run: bool,
    pub(super) claims: Vec<Claim>,
}

impl Plan<'_> {
    /// Any address of a family.
    pub(super) fn any_address(&mut self, family: &str) -> Result<IpAddr, Failure> {
        let full = || Failure::Full(Status::internal("failed to allocate a serviceIP: range is full"));
        if self.dry_run {
            return self.ranges.sample(family).ok_or_else(full);
        }
        let taken = &*self.taken;
        let found = self.ranges.pick(family, taken.count(), |address| taken.has(Thing::Address(address)));
        let address = found.ok_or_else(full)?;
        self.claim(Thing::Address(address), None);
        Ok(address)
    }

    /// The address that was asked for; `refuse` makes the answer of a reason.
    pub(super) fn this_address(
        &mut self,
        address: IpAddr,
        refuse: impl Fn(&str) -> Status,
    ) -> Result<(), Failure> {
        if !self.ranges.contains(address) {
            return Err(refuse("the provided network does not match the current range").into());
        }
        if !self.dry_run {
            self.claim(Thing::Address(address), Some(refuse("provided IP is already allocated")));
        }
        Ok(())
    }

    /// Any node port.
    pub(super) fn any_port(&mut self) -> Option<u16> {
        if self.dry_run {
            let claimed = self.claims.iter().filter_map(|claim| match claim.thing {
                Thing::Port(port) => Some(port),
                Thing::Address(_) => None,
            });
            let shown = claimed.max().map_or(FIRST_SHOWN_PORT, |port| port.saturating_add(1));
            self.note(Thing::Port(shown));
            return Some(shown);
        }
        let taken = &*self.taken;
        let port = self.ports.pick(|port| taken.has(Thing::Port(port)))?;
        self.claim(Thing::Port(port), None);
        Some(port)
    }

    /// The node port that was asked for, once in a write.
    pub(super) fn this_port(&mut self, port: i64, refuse: impl Fn(&str) -> Status) -> Result<(), Failure> {
        let inside = u16::try_from(port).ok().filter(|port| self.dry_run || self.ports.contains(*port));
        let Some(port) = inside else {
            if self.dry_run {
                return Ok(());
            }
            let why = format!(
                "provided port is not in the valid range. The range of valid ports is {}",
                self.ports
            );
            return Err(refuse(&why).into());
        };
        let thing = Thing::Port(port);
        let is_taken = self.claims.iter().any(|claim| claim.thing == thing);
        if is_taken || (self.dry_run && self.taken.has(thing)) {
            return Err(refuse(PORT_IS_TAKEN).into());
        }
        if self.dry_run {
            self.note(thing);
        } else {
            self.claim(thing, Some(refuse(PORT_IS_TAKEN)));
        }
        Ok(())
    }

    fn claim(&mut self, thing: Thing, refusal: Option<Status>) {
        let doubtful = !self.taken.claim(thing);
        self.claims.push(Claim { thing, refusal, doubtful, record: None });
    }

    /// Remembers what this write shows, without taking it.
    fn note(&mut self, thing: Thing) {
        self.claims.push(Claim { thing, refusal: None, doubtful: true, record: None });
    }
}
