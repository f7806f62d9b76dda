//! An autoscaler's status, after the target was scaled or was not.

use super::conditions::Kind;
use super::decision::{Decision, Sizes};
use super::{Autoscaler, decision};
use crate::plan::{Ending, Notice, Plan, Report, Write, with_status};
use jiff::Timestamp;
use skiff_apimachinery::time::format_time;
use skiff_apimachinery::{Document, doc};
use skiff_client::resources::HORIZONTAL_POD_AUTOSCALERS;

pub(super) fn conclude(world: &Autoscaler, report: &Report, now: Timestamp) -> Plan {
    let mut plan = Plan::default();
    if let Some(changed) = with_status(&world.object, status(world, decision::of(world), report, now)) {
        let failure = Notice::warning(&world.object, "FailedUpdateStatus", "").ending(Ending::Error);
        plan.write(Write::update_status(&HORIZONTAL_POD_AUTOSCALERS, changed).on_failure(failure));
    }
    plan
}

fn status(world: &Autoscaler, decision: Decision, report: &Report, now: Timestamp) -> Document {
    let old = &world.object["status"];
    let Decision { mut conditions, metrics, sizes, .. } = decision;
    let wanted_before = old.i64_at(&["desiredReplicas"]).unwrap_or(0);
    let mut scaled = false;
    let (current, wanted) = match sizes {
        Sizes::Unknown => {
            let mut status = old.clone();
            status.insert("conditions", conditions.into_documents());
            return status;
        }
        Sizes::Current(size) => (size, wanted_before),
        Sizes::Right(size) => (size, size),
        Sizes::Rescale { from, to, .. } => match report.first() {
            None => {
                let message = format!("the HPA controller was able to update the target scale to {to}");
                conditions.set(Kind::AbleToScale, true, "SucceededRescale", &message, now);
                scaled = true;
                (from, to)
            }
            Some(failure) => {
                let why = &failure.status.message;
                let message = format!("the HPA controller was unable to update the target scale: {why}");
                conditions.set(Kind::AbleToScale, false, "FailedUpdateScale", &message, now);
                (from, wanted_before)
            }
        },
    };
    let mut status = doc!({"desiredReplicas": wanted});
    if current != 0 {
        status.insert("currentReplicas", current);
    }
    if scaled {
        status.insert("lastScaleTime", format_time(now));
    } else if let Some(time) = old.get("lastScaleTime").filter(|time| !time.is_null()) {
        status.insert("lastScaleTime", time);
    }
    if !metrics.is_empty() {
        status.insert("currentMetrics", metrics);
    }
    status.insert("conditions", conditions.into_documents());
    status
}
