//! Ports that containers expose.

use crate::validation::network::PROTOCOLS;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors, names};
use std::collections::HashSet;

/// The ports of a container.
pub(super) fn validate(container: &Document, place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut seen = HashSet::new();
    for (i, port) in container.array_at(&["ports"]).iter().enumerate() {
        let place = &place.index(i);
        let name = port.str_at(&["name"]);
        if !name.is_empty() {
            let complaints = names::port_name(name);
            if complaints.is_empty() && !seen.insert(name) {
                out.push(place.child("name").duplicate(name));
            }
            out.extend(place.child("name").complaints(name, complaints));
        }
        match port.i64_at(&["containerPort"]).unwrap_or(0) {
            0 => out.push(place.child("containerPort").required("")),
            number => out.extend(in_range(number, &place.child("containerPort"))),
        }
        let host_port = port.i64_at(&["hostPort"]).unwrap_or(0);
        if host_port != 0 {
            out.extend(in_range(host_port, &place.child("hostPort")));
        }
        out.extend(place.child("protocol").one_of(port.str_at(&["protocol"]), &PROTOCOLS));
    }
    out
}

fn in_range(number: i64, place: &Place<'_>) -> FieldErrors {
    names::port_number(number).into_iter().map(|why| place.invalid(number, why)).collect()
}

/// Ports of the host that several containers want.
pub(super) fn conflicts(containers: &[Document], place: &Place<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    let mut taken = HashSet::new();
    for (i, container) in containers.iter().enumerate() {
        let place = place.index(i);
        let place = place.child("ports");
        for (j, port) in container.array_at(&["ports"]).iter().enumerate() {
            let number = port.i64_at(&["hostPort"]).unwrap_or(0);
            let (protocol, ip) = (port.str_at(&["protocol"]), port.str_at(&["hostIP"]));
            if number != 0 && !taken.insert((protocol, ip, number)) {
                let shown = format!("{protocol}/{ip}/{number}");
                out.push(place.index(j).child("hostPort").duplicate(shown));
            }
        }
    }
    out
}
