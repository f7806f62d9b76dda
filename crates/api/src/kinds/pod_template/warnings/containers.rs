//! What containers say twice, or in parts of bytes.

use crate::validation::place::Place;
use skiff_apimachinery::{Document, Map, Quantity};
use std::collections::HashMap;

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Amounts of memory and of storage in parts of bytes.
pub(super) fn fractions(amounts: Option<&Map>, names: &[&str], place: &Place<'_>, out: &mut Vec<String>) {
    let Some(amounts) = amounts else { return };
    for name in names {
        if let Some(Ok(amount)) = amounts.get(name).and_then(Quantity::from_document)
            && !amount.is_whole()
        {
            let at = place.key(name).path();
            out.push(format!("{at}: fractional byte value \"{amount}\" is invalid, must be an integer"));
        }
    }
}

/// Limits and requests of a container.
pub(super) fn resources(container: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    for name in ["memory", "ephemeral-storage"] {
        for list in ["limits", "requests"] {
            fractions(container.object_at(&["resources", list]), &[name], &place.child(list), out);
        }
    }
}

/// A second definition of a variable is fine only if it builds on the first.
pub(super) fn hidden_variables(container: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    let variables = container.array_at(&["env"]);
    for (i, variable) in variables.iter().enumerate() {
        let (name, value) = (variable.str_at(&["name"]), variable.str_at(&["value"]));
        if !variables.iter().take(i).any(|earlier| earlier.str_at(&["name"]) == name) {
            continue;
        }
        let reference = format!("$({name})");
        let replaced = variable.get("valueFrom").is_some_and(|source| !source.is_null());
        if replaced || value == reference || !value.contains(&reference) {
            let at = place.index(i).path();
            out.push(format!(
                "{at}: hides previous definition of {name:?}, which may be dropped when using apply"
            ));
        }
    }
}

/// Where a port is: list, container and port.
type Spot = (&'static str, usize, usize);

/// Ports that are defined more than once.
pub(super) fn ports(spec: &Document, place: &Place<'_>, out: &mut Vec<String>) {
    let shown = |(list, i, j): Spot| {
        let place = place.child(list);
        let place = place.index(i);
        place.child("ports").index(j).path()
    };
    let mut known: HashMap<(i64, &str), Vec<(&Document, Spot)>> = HashMap::new();
    for list in LISTS {
        for (i, container) in spec.array_at(&[list]).iter().enumerate() {
            for (j, port) in container.array_at(&["ports"]).iter().enumerate() {
                let spot = (list, i, j);
                if host_port(port) == 0 && !port.str_at(&["hostIP"]).is_empty() {
                    out.push(format!("{}: hostIP set without hostPort: {}", shown(spot), as_struct(port)));
                }
                let number = port.i64_at(&["containerPort"]).unwrap_or(0);
                let others = known.entry((number, port.str_at(&["protocol"]))).or_default();
                for (other, other_spot) in others.iter() {
                    if let Some(how) = overlap(port, other) {
                        out.push(format!(
                            "{}: {how} port definition with {}",
                            shown(spot),
                            shown(*other_spot)
                        ));
                    }
                }
                others.push((port, spot));
            }
        }
    }
}

fn host_port(port: &Document) -> i64 {
    port.i64_at(&["hostPort"]).unwrap_or(0)
}

/// A port as upstream prints its struct.
fn as_struct(port: &Document) -> String {
    let text = |field: &str| port.str_at(&[field]);
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        text("name"),
        host_port(port),
        port.i64_at(&["containerPort"]).unwrap_or(0),
        text("protocol"),
        text("hostIP")
    )
}

fn overlap(port: &Document, other: &Document) -> Option<&'static str> {
    let (ip, other_ip) = (port.str_at(&["hostIP"]), other.str_at(&["hostIP"]));
    let (number, other_number) = (host_port(port), host_port(other));
    if ip == other_ip && number == other_number {
        Some("duplicate")
    } else if number == 0 || other_number == 0 {
        Some("overlapping")
    } else {
        (number == other_number && ip.is_empty() != other_ip.is_empty()).then_some("dangerously ambiguous")
    }
}
