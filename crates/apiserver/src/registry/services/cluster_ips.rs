//! `clusterIPs`: which addresses a Service still lacks.

use super::allocate::{invalid, texts};
use super::families::is_unchanged_dual;
use super::plan::{Failure, Plan};
use skiff_api::kinds::service::allocation::{HEADLESS, needs_cluster_ip};
use skiff_api::validation::network;
use skiff_apimachinery::{Document, FieldError, FieldPath, Status};

/// Gives a new Service its addresses.
pub(super) fn create(plan: &mut Plan<'_>, service: &mut Document) -> Result<(), Failure> {
    if !needs_cluster_ip(service) || is_headless(service) {
        return Ok(());
    }
    let families = texts(service, "ipFamilies");
    let mut addresses = texts(service, "clusterIPs");
    if addresses.len() < families.len() {
        addresses.resize(families.len(), String::new());
    }
    let asked = addresses.clone();
    for (at, (family, address)) in families.iter().zip(&mut addresses).enumerate() {
        *address = one(plan, service.name(), family, &asked, at)?;
    }
    if let Some(first) = addresses.first() {
        service.set(&["spec", "clusterIP"], first);
    }
    service.set(&["spec", "clusterIPs"], addresses);
    Ok(())
}

/// Gives a changed Service what it did not have: all, when it was another name; the second, when it goes dual.
pub(super) fn update(plan: &mut Plan<'_>, service: &mut Document, old: &Document) -> Result<(), Failure> {
    if is_unchanged_dual(service, old) {
        return Ok(());
    }
    if !needs_cluster_ip(old) {
        return create(plan, service);
    }
    if is_headless(old) || !needs_cluster_ip(service) {
        return Ok(());
    }
    let families = texts(service, "ipFamilies");
    let (1, [_, second]) = (texts(old, "ipFamilies").len(), families.as_slice()) else {
        return Ok(());
    };
    let mut addresses = texts(service, "clusterIPs");
    if addresses.len() < 2 {
        addresses.push(String::new());
    }
    let given = one(plan, service.name(), second, &addresses, 1)?;
    if let Some(address) = addresses.get_mut(1) {
        *address = given;
    }
    service.set(&["spec", "clusterIPs"], addresses);
    Ok(())
}

/// The address of one family: any where the text is empty, else the one it says.
fn one(
    plan: &mut Plan<'_>,
    name: &str,
    family: &str,
    asked: &[String],
    at: usize,
) -> Result<String, Failure> {
    let text = asked.get(at).map_or("", String::as_str);
    if text.is_empty() {
        return plan.any_address(family).map(|address| address.to_string());
    }
    let address =
        network::ip(text).ok_or_else(|| Status::internal(format!("failed to parse service IP {text:?}")))?;
    plan.this_address(address, |why| {
        let why = format!("failed to allocate IP {text}: {why}");
        let field = FieldPath::new("spec").child("clusterIPs");
        invalid(name, vec![FieldError::invalid(&field, asked.to_vec(), why)])
    })?;
    Ok(text.to_owned())
}

fn is_headless(service: &Document) -> bool {
    texts(service, "clusterIPs").first().is_some_and(|first| first == HEADLESS)
}
