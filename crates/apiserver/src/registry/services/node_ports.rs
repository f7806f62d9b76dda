//! `nodePort`s and `healthCheckNodePort`: which ports a Service still lacks.

use super::allocate::invalid;
use super::plan::{Failure, Plan};
use skiff_api::kinds::service::allocation::{
    may_have_node_ports, needs_health_check_node_port, needs_node_ports, node_ports,
};
use skiff_apimachinery::{Document, FieldError, FieldPath, Reason, Status};
use std::collections::{HashMap, HashSet};

/// Gives a new Service its ports.
pub(super) fn create(plan: &mut Plan<'_>, service: &mut Document) -> Result<(), Failure> {
    if may_have_node_ports(service) {
        create_ports(plan, service)?;
    }
    if needs_health_check_node_port(service) {
        health_check(plan, service)?;
    }
    Ok(())
}

/// Gives a changed Service what it did not have.
pub(super) fn update(plan: &mut Plan<'_>, service: &mut Document, old: &Document) -> Result<(), Failure> {
    if may_have_node_ports(service) {
        update_ports(plan, service, old)?;
    }
    if needs_health_check_node_port(service) && !needs_health_check_node_port(old) {
        health_check(plan, service)?;
    }
    Ok(())
}

/// Ports of one number (over TCP and UDP) share a node port unless they ask for different ones.
fn create_ports(plan: &mut Plan<'_>, service: &mut Document) -> Result<(), Failure> {
    let wanted = needs_node_ports(service);
    let name = service.name().to_owned();
    let ports = service.array_at(&["spec", "ports"]).to_vec();
    let mut shared: HashMap<i64, i64> = HashMap::new();
    for (at, port) in ports.iter().enumerate() {
        let (number, asked) = (port.i64_at(&["port"]).unwrap_or(0), node_port(port));
        if asked == 0 && !wanted {
            continue;
        }
        let given = match shared.get(&number) {
            Some(given) if asked == 0 || asked == *given => *given,
            Some(_) => {
                this_port(plan, &name, at, asked)?;
                continue;
            }
            None => {
                let same = ports.iter().filter(|other| other.i64_at(&["port"]).unwrap_or(0) == number);
                match same.map(node_port).find(|asked| *asked != 0) {
                    Some(asked) => this_port(plan, &name, at, asked).map(|()| asked)?,
                    None => any_port(plan)?,
                }
            }
        };
        shared.insert(number, given);
        set_node_port(service, at, given);
    }
    Ok(())
}

/// Ports that the Service had stay its own; each other gets one.
fn update_ports(plan: &mut Plan<'_>, service: &mut Document, old: &Document) -> Result<(), Failure> {
    let wanted = needs_node_ports(service);
    let name = service.name().to_owned();
    let mut held: HashSet<i64> = node_ports(old).collect();
    let mut seen: HashSet<(String, i64)> = HashSet::new();
    let ports = service.array_at(&["spec", "ports"]).to_vec();
    for (at, port) in ports.iter().enumerate() {
        let asked = node_port(port);
        let given = match asked {
            0 if !wanted => continue,
            0 => any_port(plan)?,
            asked => {
                if !held.contains(&asked) {
                    this_port(plan, &name, at, asked)?;
                    held.insert(asked);
                }
                asked
            }
        };
        set_node_port(service, at, given);
        let protocol = port.str_at(&["protocol"]);
        if !seen.insert((protocol.to_owned(), given)) {
            let why = format!("duplicate nodePort: {{{protocol} {given}}}");
            return Err(Status::new(500, Reason::Unknown, why).into());
        }
    }
    Ok(())
}

fn health_check(plan: &mut Plan<'_>, service: &mut Document) -> Result<(), Failure> {
    let asked = service.i64_at(&["spec", "healthCheckNodePort"]).unwrap_or(0);
    if asked != 0 {
        return plan.this_port(asked, |why| {
            Status::internal(format!("failed to allocate requested HealthCheck NodePort {asked}: {why}"))
        });
    }
    let full = "failed to allocate a HealthCheck NodePort 0: range is full";
    let given = plan.any_port().ok_or_else(|| Failure::Full(Status::internal(full)))?;
    service.set(&["spec", "healthCheckNodePort"], given);
    Ok(())
}

fn any_port(plan: &mut Plan<'_>) -> Result<i64, Failure> {
    let full = || Failure::Full(Status::internal("failed to allocate a nodePort: range is full"));
    plan.any_port().map(i64::from).ok_or_else(full)
}

fn this_port(plan: &mut Plan<'_>, name: &str, at: usize, asked: i64) -> Result<(), Failure> {
    plan.this_port(asked, |why| {
        let field = FieldPath::new("spec").child("ports").index(at).child("nodePort");
        invalid(name, vec![FieldError::invalid(&field, asked, why)])
    })
}

fn node_port(port: &Document) -> i64 {
    port.i64_at(&["nodePort"]).unwrap_or(0)
}

fn set_node_port(service: &mut Document, at: usize, given: i64) {
    let ports = service.at_mut(&["spec", "ports"]).and_then(Document::as_array_mut);
    if let Some(port) = ports.and_then(|ports| ports.get_mut(at)) {
        port.insert("nodePort", given);
    }
}
