//! Probes of containers.

use super::given;
use super::lifecycle::{self, Handler};
use super::spec::Around;
use crate::validation::place::Place;
use skiff_apimachinery::{Document, FieldErrors};

const NUMBERS: [&str; 5] =
    ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

/// The probes of a container.
pub(super) fn validate(container: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = FieldErrors::new();
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = given(container, name) else { continue };
        let place = &place.child(name);
        out.extend(common(probe, place, around));
        let place_of_grace = place.child("terminationGracePeriodSeconds");
        let grace = probe.i64_at(&["terminationGracePeriodSeconds"]);
        if name == "readinessProbe" {
            let why = "must not be set for readinessProbes";
            out.extend(grace.map(|seconds| place_of_grace.invalid(seconds, why)));
            continue;
        }
        // Such a probe acts on the first failure after a success, so one success says enough.
        let successes = probe.i64_at(&["successThreshold"]).unwrap_or(0);
        if successes != 1 {
            out.push(place.child("successThreshold").invalid(successes, "must be 1"));
        }
    }
    out
}

fn common(probe: &Document, place: &Place<'_>, around: &Around<'_>) -> FieldErrors {
    let mut out = lifecycle::handler(probe, place, Handler::Probe, around);
    for number in NUMBERS {
        out.extend(place.child(number).not_negative(probe.i64_at(&[number])));
    }
    if let Some(seconds) = probe.i64_at(&["terminationGracePeriodSeconds"])
        && seconds <= 0
    {
        out.push(place.child("terminationGracePeriodSeconds").invalid(seconds, "must be greater than 0"));
    }
    out
}
