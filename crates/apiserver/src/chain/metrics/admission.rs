//! How long admission takes, under upstream's names.

use crate::admission::{ALL_ORDERED_PLUGINS, Operation};
use skiff_telemetry::{Family, Histogram, Registry};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Upstream's buckets.
const DURATIONS: &[f64] = &[0.005, 0.025, 0.1, 0.5, 1.0, 2.5];

/// The two halves of admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Half {
    /// Plugins may change the object.
    Admit,
    /// Plugins may refuse it.
    Validate,
}

/// Times of a plugin, or of all together: by operation, half, and whether the object was refused. A series is made when
/// there is something to tell.
struct Times {
    family: Arc<Family<Histogram>>,
    plugin: Option<&'static str>,
    cells: [OnceLock<Histogram>; 16],
}

/// Metrics of admission. The labels of every plugin are looked up once.
pub(crate) struct AdmissionMetrics {
    steps: Times,
    plugins: Vec<Option<Times>>,
}

/// A half of admission that is being measured.
pub(crate) struct Measured<'a> {
    metrics: &'a AdmissionMetrics,
    operation: Operation,
    half: Half,
    begun: Instant,
    last: Instant,
}

impl AdmissionMetrics {
    /// Registers the metrics of plugins of these names, in the order in which they run.
    pub(crate) fn new(registry: &Registry, plugins: impl IntoIterator<Item = &'static str>) -> Self {
        let single = registry.histograms(
            "apiserver_admission_controller_admission_duration_seconds",
            "Admission controller latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).",
            &["name", "operation", "rejected", "type"],
            DURATIONS,
        );
        let steps = registry.histograms(
            "apiserver_admission_step_admission_duration_seconds",
            "Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).",
            &["operation", "rejected", "type"],
            DURATIONS,
        );
        // What is none of upstream's plugins is not told as one.
        let known = |name: &str| ALL_ORDERED_PLUGINS.iter().any(|plugin| plugin.name == name);
        let plugins = plugins.into_iter().map(|name| known(name).then(|| Times::of(&single, Some(name))));
        Self { plugins: plugins.collect(), steps: Times::of(&steps, None) }
    }

    /// Begins to measure a half.
    pub(crate) fn begin(&self, operation: Operation, half: Half) -> Measured<'_> {
        let now = Instant::now();
        Measured { metrics: self, operation, half, begun: now, last: now }
    }
}

impl Measured<'_> {
    /// Notes that a plugin, counted from the first, is through.
    pub(crate) fn plugin(&mut self, at: usize, rejected: bool) {
        let now = Instant::now();
        let took = now.duration_since(self.last);
        self.last = now;
        if let Some(Some(times)) = self.metrics.plugins.get(at) {
            times.note(self.operation, self.half, rejected, took);
        }
    }

    /// Notes that the half is through.
    pub(crate) fn end(self, rejected: bool) {
        let took = self.last.duration_since(self.begun);
        self.metrics.steps.note(self.operation, self.half, rejected, took);
    }
}

impl Times {
    fn of(family: &Arc<Family<Histogram>>, plugin: Option<&'static str>) -> Self {
        Self { family: family.clone(), plugin, cells: Default::default() }
    }

    fn note(&self, operation: Operation, half: Half, rejected: bool, took: Duration) {
        let (number, operation) = match operation {
            Operation::Create => (0, "CREATE"),
            Operation::Update => (1, "UPDATE"),
            Operation::Delete => (2, "DELETE"),
            Operation::Connect => (3, "CONNECT"),
        };
        let validates = half == Half::Validate;
        let cell = number * 4 + usize::from(validates) * 2 + usize::from(rejected);
        if let Some(cell) = self.cells.get(cell) {
            let half = if validates { "validate" } else { "admit" };
            let rejected = if rejected { "true" } else { "false" };
            let times = cell.get_or_init(|| match self.plugin {
                Some(plugin) => self.family.with(&[plugin, operation, rejected, half]),
                None => self.family.with(&[operation, rejected, half]),
            });
            times.observe(took.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_and_halves_are_timed() {
        let registry = Registry::new();
        let metrics = AdmissionMetrics::new(&registry, ["NamespaceLifecycle", "Ours"]);
        let mut measured = metrics.begin(Operation::Create, Half::Validate);
        measured.plugin(0, false);
        measured.plugin(1, true);
        measured.end(true);
        let text = registry.render();
        for line in [
            r#"apiserver_admission_controller_admission_duration_seconds_count{name="NamespaceLifecycle",operation="CREATE",rejected="false",type="validate"} 1"#,
            r#"apiserver_admission_step_admission_duration_seconds_count{operation="CREATE",rejected="true",type="validate"} 1"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("name=\"Ours\""));
    }
}
