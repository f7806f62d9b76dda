//! The blocks that cluster IPs come from: those of the ServiceCIDRs (KEP-1880).

use ipnet::IpNet;
use skiff_api::validation::network;
use skiff_apimachinery::Document;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// The ServiceCIDR that the server's own flags make.
pub(crate) const DEFAULT_CIDR: &str = "kubernetes";
/// Larger IPv6 blocks give no addresses, as upstream has it.
const MAX_IPV6_HOST_BITS: u8 = 64;

/// A block that Services have their addresses from.
///
/// Dynamic allocation keeps off the lower part, which is for addresses that people choose (KEP-3070).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AddressRange {
    block: IpNet,
}

impl AddressRange {
    /// The range of a block.
    fn new(block: IpNet) -> Self {
        Self { block: block.trunc() }
    }

    /// Whether a Service may have the address: all of the block but its first (and, for IPv4, last) address.
    fn contains(self, address: IpAddr) -> bool {
        self.offset(address).is_some_and(|offset| (1..=self.size()).contains(&offset))
    }

    /// Any free address: of the upper part as long as it has one. So many addresses are taken at most.
    fn pick(self, taken: usize, is_taken: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        let (size, band) = (self.size(), self.static_band());
        // Among one address more than are taken one is free.
        let enough = u128::try_from(taken).unwrap_or(u128::MAX).saturating_add(1);
        let free = |first: u128, last: u128| {
            let length = (last + 1).checked_sub(first).filter(|length| *length > 0)?;
            let start = rand::random_range(0..length);
            let mut offsets = (0..length.min(enough)).map(|step| first + (start + step) % length);
            offsets.find_map(|offset| self.address(offset).filter(|address| !is_taken(*address)))
        };
        free(band + 1, size).or_else(|| free(1, band.min(size)))
    }

    fn family(self) -> &'static str {
        network::family(self.block.addr())
    }

    /// How many addresses there are, counted from offset 1.
    fn size(self) -> u128 {
        let reserved = if self.block.addr().is_ipv4() { 2 } else { 1 };
        self.all().saturating_sub(reserved)
    }

    fn all(self) -> u128 {
        let bits = u32::from(self.block.max_prefix_len() - self.block.prefix_len());
        1_u128.checked_shl(bits).unwrap_or(u128::MAX)
    }

    /// Size of the lower part: a sixteenth of the block, at least 16, at most 256.
    fn static_band(self) -> u128 {
        let all = self.all();
        if all <= 16 { 0 } else { (all / 16).clamp(16, 256) }
    }

    fn offset(self, address: IpAddr) -> Option<u128> {
        match (self.block.addr(), address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                u128::from(u32::from(address)).checked_sub(u128::from(u32::from(base)))
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => u128::from(address).checked_sub(u128::from(base)),
            _ => None,
        }
    }

    fn address(self, offset: u128) -> Option<IpAddr> {
        Some(match self.block.addr() {
            IpAddr::V4(base) => {
                IpAddr::V4(Ipv4Addr::from(u32::from(base).checked_add(u32::try_from(offset).ok()?)?))
            }
            IpAddr::V6(base) => IpAddr::V6(Ipv6Addr::from(u128::from(base).checked_add(offset)?)),
        })
    }
}

/// All blocks, the widest first.
#[derive(Debug, Clone)]
pub(super) struct Ranges {
    list: Vec<AddressRange>,
}

impl Ranges {
    /// The blocks that new addresses come from: of ServiceCIDRs that are ready and stay.
    pub(super) fn usable(flags: &[IpNet], cidrs: &[Arc<Document>]) -> Self {
        Self::of(flags, cidrs, |cidr| cidr.deletion_timestamp().is_none() && is_ready(cidr))
    }

    /// The blocks that addresses may be of.
    pub(super) fn configured(flags: &[IpNet], cidrs: &[Arc<Document>]) -> Self {
        Self::of(flags, cidrs, |_| true)
    }

    /// The flags stand in for the default ServiceCIDR until it is there.
    fn of(flags: &[IpNet], cidrs: &[Arc<Document>], wanted: impl Fn(&Document) -> bool) -> Self {
        let has_default = cidrs.iter().any(|cidr| cidr.name() == DEFAULT_CIDR);
        let flags = flags.iter().copied().filter(|_| !has_default);
        let texts = cidrs
            .iter()
            .filter(|cidr| wanted(cidr))
            .flat_map(|cidr| cidr.array_at(&["spec", "cidrs"]))
            .filter_map(|text| text.as_str()?.parse::<IpNet>().ok());
        let mut list: Vec<AddressRange> = flags.chain(texts).map(AddressRange::new).collect();
        list.retain(|range| {
            range.block.addr().is_ipv4() || 128 - range.block.prefix_len() <= MAX_IPV6_HOST_BITS
        });
        list.sort_by_key(|range| (range.block.prefix_len(), range.block.addr()));
        list.dedup();
        Self { list }
    }

    /// Whether an address is of one of the blocks.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.list.iter().any(|range| range.contains(address))
    }

    /// Any free address of a family.
    pub(super) fn pick(
        &self,
        family: &str,
        taken: usize,
        is_taken: impl Fn(IpAddr) -> bool,
    ) -> Option<IpAddr> {
        self.of_family(family).find_map(|range| range.pick(taken, &is_taken))
    }

    /// An address to show where none is taken: a dry run does not look for a free one.
    pub(super) fn sample(&self, family: &str) -> Option<IpAddr> {
        self.of_family(family).next().map(|range| range.block.addr())
    }

    fn of_family(&self, family: &str) -> impl Iterator<Item = &AddressRange> {
        self.list.iter().filter(move |range| range.family() == family)
    }
}

/// Whether a ServiceCIDR gives addresses. One that nobody judged yet does.
fn is_ready(cidr: &Document) -> bool {
    let mut conditions = cidr.array_at(&["status", "conditions"]).iter();
    let ready = conditions.find(|condition| condition.str_at(&["type"]) == "Ready");
    ready.is_none_or(|condition| condition.str_at(&["status"]) == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;
    use std::collections::HashSet;

    fn range(text: &str) -> AddressRange {
        AddressRange::new(text.parse().unwrap())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_address_is_given_once() {
        let range = range("10.0.0.0/28");
        let mut taken = HashSet::new();
        while let Some(address) = range.pick(taken.len(), |address| taken.contains(&address)) {
            assert!(range.contains(address) && taken.insert(address));
        }
        assert_eq!(taken.len(), 14);
        taken.remove(&address("10.0.0.3"));
        assert_eq!(range.pick(taken.len(), |other| taken.contains(&other)), Some(address("10.0.0.3")));
    }

    #[test]
    fn the_lower_part_is_left_to_people() {
        for _ in 0..100 {
            let picked = range("10.43.0.0/16").pick(0, |_| false).unwrap();
            assert!(picked > address("10.43.1.0"), "{picked}");
        }
        assert!(range("fd00::/112").pick(0, |_| false).unwrap() > address("fd00::100"));
        let above = address("10.0.0.16");
        let low = range("10.0.0.0/24").pick(300, |address| address > above).unwrap();
        assert!(low <= above, "{low}");
    }

    #[test]
    fn the_largest_block_is_not_searched_but_for_what_is_taken() {
        assert!(range("fd00::/64").pick(0, |_| false).is_some());
        assert_eq!(range("10.0.0.0/31").pick(0, |_| false), None);
    }

    #[test]
    fn network_and_broadcast_are_no_addresses() {
        let cases = [
            ("10.0.0.0/24", "10.0.0.0", false),
            ("10.0.0.0/24", "10.0.0.1", true),
            ("10.0.0.0/24", "10.0.0.254", true),
            ("10.0.0.0/24", "10.0.0.255", false),
            ("10.0.0.0/24", "fd00::1", false),
            ("fd00::/112", "fd00::", false),
            ("fd00::/112", "fd00::ffff", true),
        ];
        for (block, text, expected) in cases {
            assert_eq!(range(block).contains(address(text)), expected, "{text} in {block}");
        }
    }

    fn cidr(name: &str, block: &str, ready: Option<&str>) -> Arc<Document> {
        let mut cidr = doc!({"metadata": {"name": name}, "spec": {"cidrs": [block]}});
        if let Some(ready) = ready {
            cidr.set(&["status", "conditions"], doc!([{"type": "Ready", "status": ready}]));
        }
        Arc::new(cidr)
    }

    fn shown(ranges: &Ranges) -> Vec<String> {
        ranges.list.iter().map(|range| range.block.to_string()).collect()
    }

    #[test]
    fn the_flags_stand_in_for_the_default() {
        let flags: [IpNet; 1] = ["10.0.0.0/24".parse().unwrap()];
        assert_eq!(shown(&Ranges::usable(&flags, &[])), ["10.0.0.0/24"]);
        let other = cidr("other", "10.1.0.0/16", None);
        assert_eq!(
            shown(&Ranges::usable(&flags, std::slice::from_ref(&other))),
            ["10.1.0.0/16", "10.0.0.0/24"]
        );
        let default = cidr(DEFAULT_CIDR, "10.2.0.0/24", Some("True"));
        assert_eq!(shown(&Ranges::usable(&flags, &[other, default])), ["10.1.0.0/16", "10.2.0.0/24"]);
    }

    #[test]
    fn only_what_is_ready_and_stays_gives_addresses() {
        let mut leaving = (*cidr("c", "10.3.0.0/24", Some("True"))).clone();
        leaving.set(&["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z");
        let cidrs = [
            cidr(DEFAULT_CIDR, "10.1.0.0/24", Some("False")),
            cidr("b", "10.2.0.0/24", None),
            Arc::new(leaving),
            cidr("d", "10.2.0.0/24", Some("True")),
            cidr("e", "fd00::/48", Some("True")),
        ];
        assert_eq!(shown(&Ranges::usable(&[], &cidrs)), ["10.2.0.0/24"]);
        assert_eq!(shown(&Ranges::configured(&[], &cidrs)), ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]);
    }

    #[test]
    fn a_full_block_gives_way_to_the_next() {
        let cidrs = [cidr(DEFAULT_CIDR, "10.1.0.0/30", None), cidr("b", "10.2.0.0/31", None)];
        let ranges = Ranges::usable(&[], &cidrs);
        let taken = [address("10.1.0.1")];
        let pick = |taken: &[IpAddr]| ranges.pick("IPv4", taken.len(), |address| taken.contains(&address));
        assert_eq!(pick(&taken), Some(address("10.1.0.2")));
        assert_eq!(pick(&[address("10.1.0.1"), address("10.1.0.2")]), None);
        assert_eq!(ranges.pick("IPv6", 0, |_| false), None);
        assert_eq!(ranges.sample("IPv4"), Some(address("10.1.0.0")));
    }
}
