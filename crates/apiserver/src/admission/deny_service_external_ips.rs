//! `DenyServiceExternalIPs`: no Service gets external addresses that it did not have (CVE-2020-8554).

use super::{Operation, Plugin, Request};
use futures::future::BoxFuture;
use skiff_apimachinery::{Document, Status};

const ADDRESSES: [&str; 2] = ["spec", "externalIPs"];

/// The plugin.
pub struct DenyServiceExternalIPs;

fn check(request: &Request<'_>, service: &Document) -> Result<(), Status> {
    if !request.is("", "services") || !matches!(request.operation, Operation::Create | Operation::Update) {
        return Ok(());
    }
    let before = request.old.map(|old| old.array_at(&ADDRESSES)).unwrap_or_default();
    if service.array_at(&ADDRESSES).iter().all(|address| before.contains(address)) {
        return Ok(());
    }
    Err(request.forbidden("Use of external IPs is denied by admission control"))
}

impl Plugin for DenyServiceExternalIPs {
    fn name(&self) -> &'static str {
        "DenyServiceExternalIPs"
    }

    fn validate<'a>(
        &'a self,
        request: &'a mut Request<'_>,
        object: &'a Document,
    ) -> BoxFuture<'a, Result<(), Status>> {
        Box::pin(std::future::ready(check(request, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::testing::Write;
    use skiff_apimachinery::doc;

    fn service(addresses: &[&str]) -> Document {
        doc!({"spec": {"externalIPs": addresses.to_vec()}})
    }

    #[test]
    fn a_service_may_keep_addresses_but_not_gain_any() {
        let plugin = DenyServiceExternalIPs;
        let update = Write::update("", "services", service(&["192.0.2.1", "192.0.2.2"]));
        assert_eq!(update.refusal(&plugin, &service(&["192.0.2.2"])), "");
        let create = Write::create("", "services");
        assert_eq!(create.refusal(&plugin, &service(&[])), "");
        for (write, addresses) in [(update, ["192.0.2.3"]), (create, ["192.0.2.1"])] {
            assert_eq!(
                write.refusal(&plugin, &service(&addresses)),
                r#"services "x" is forbidden: Use of external IPs is denied by admission control"#
            );
        }
    }
}
