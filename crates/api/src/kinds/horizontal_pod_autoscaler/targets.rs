//! The TARGETS cell of an autoscaler: each metric as it is and as it should be.

use super::super::cells;
use super::super::workload::given;
use skiff_apimachinery::Document;

/// How many metrics a row shows.
const SHOWN: usize = 2;

/// The cell.
pub(super) fn shown(object: &Document) -> String {
    let metrics = object.array_at(&["spec", "metrics"]);
    let statuses = object.array_at(&["status", "currentMetrics"]);
    if metrics.is_empty() {
        return cells::NONE.to_owned();
    }
    let texts: Vec<String> = metrics.iter().enumerate().map(|(i, m)| target(m, statuses.get(i))).collect();
    match texts.len() {
        ..=SHOWN => texts.join(", "),
        all => format!("{} + {} more...", texts[..SHOWN].join(", "), all - SHOWN),
    }
}

fn target(metric: &Document, status: Option<&Document>) -> String {
    let source = |key: &str| {
        let current = status.and_then(|status| given(status, &[key])).map(|source| &source["current"]);
        Source { goal: &metric[key]["target"], current }
    };
    match metric.str_at(&["type"]) {
        "Resource" => source("resource").share(metric.str_at(&["resource", "name"])),
        "ContainerResource" => {
            source("containerResource").share(metric.str_at(&["containerResource", "name"]))
        }
        "Pods" => source("pods").plain("averageValue"),
        "Object" => source("object").value(),
        "External" => source("external").value(),
        _ => "<unknown type>".to_owned(),
    }
}

/// What should be and what is, if the metric was read.
struct Source<'a> {
    goal: &'a Document,
    current: Option<&'a Document>,
}

impl Source<'_> {
    /// Of an object or something outside: an amount, or one for each pod.
    fn value(&self) -> String {
        if given(self.goal, &["averageValue"]).is_none() {
            return self.plain("value");
        }
        let now = self.current.and_then(|current| given(current, &["averageValue"]));
        let now = now.map_or(cells::UNKNOWN.to_owned(), |now| amount(Some(now)));
        format!("{now}/{} (avg)", amount(self.goal.get("averageValue")))
    }

    /// Of a resource: an amount, or a share of what was asked for.
    fn share(&self, name: &str) -> String {
        if given(self.goal, &["averageValue"]).is_some() {
            return format!("{name}: {}", self.plain("averageValue"));
        }
        let percent = |values: &Document| values.i64_at(&["averageUtilization"]).map(|n| format!("{n}%"));
        let now = self.current.and_then(percent).unwrap_or_else(|| cells::UNKNOWN.to_owned());
        let goal = percent(self.goal).unwrap_or_else(|| "<auto>".to_owned());
        format!("{name}: {now}/{goal}")
    }

    fn plain(&self, name: &str) -> String {
        let now = self.current.map_or(cells::UNKNOWN.to_owned(), |current| amount(current.get(name)));
        format!("{now}/{}", amount(self.goal.get(name)))
    }
}

/// An amount as Go prints a pointer to one.
fn amount(value: Option<&Document>) -> String {
    cells::int_or_string(value).unwrap_or_else(|| "<nil>".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn metric(ty: &str, key: &str, goal: Document) -> Document {
        let mut metric = doc!({"type": ty});
        metric.insert(key, doc!({"name": "cpu", "target": goal}));
        metric
    }

    fn status(key: &str, current: Document) -> Document {
        let mut status = Document::object();
        status.insert(key, doc!({"current": current}));
        status
    }

    #[test]
    fn metrics_show_now_and_goal() {
        let percent = || doc!({"averageUtilization": 80});
        let (value, average) = (doc!({"value": "3"}), doc!({"averageValue": "20m"}));
        let cases = [
            (metric("Resource", "resource", percent()), Document::NULL, "cpu: <unknown>/80%"),
            (
                metric("Resource", "resource", percent()),
                status("resource", doc!({"averageUtilization": 12, "averageValue": "9m"})),
                "cpu: 12%/80%",
            ),
            (
                metric("Resource", "resource", average.clone()),
                status("resource", average.clone()),
                "cpu: 20m/20m",
            ),
            (metric("Resource", "resource", doc!({})), Document::NULL, "cpu: <unknown>/<auto>"),
            (
                metric("ContainerResource", "containerResource", percent()),
                Document::NULL,
                "cpu: <unknown>/80%",
            ),
            (metric("Pods", "pods", average.clone()), status("pods", average.clone()), "20m/20m"),
            (metric("Pods", "pods", average.clone()), status("pods", doc!({})), "<nil>/20m"),
            (metric("Object", "object", value.clone()), Document::NULL, "<unknown>/3"),
            (metric("Object", "object", average.clone()), status("object", average.clone()), "20m/20m (avg)"),
            (metric("External", "external", value.clone()), status("external", value), "3/3"),
            (
                metric("External", "external", average.clone()),
                status("external", doc!({})),
                "<unknown>/20m (avg)",
            ),
            (metric("Random", "random", average), Document::NULL, "<unknown type>"),
        ];
        for (metric, status, expected) in cases {
            let object =
                doc!({"spec": {"metrics": [metric.clone()]}, "status": {"currentMetrics": [status]}});
            assert_eq!(shown(&object), expected, "{metric}");
        }
    }

    #[test]
    fn rows_show_two_metrics() {
        let metrics = vec![metric("Resource", "resource", doc!({"averageUtilization": 80})); 4];
        assert_eq!(
            shown(&doc!({"spec": {"metrics": metrics}})),
            "cpu: <unknown>/80%, cpu: <unknown>/80% + 2 more..."
        );
        assert_eq!(shown(&doc!({})), "<none>");
    }
}
