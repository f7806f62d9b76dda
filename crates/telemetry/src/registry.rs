//! Every metric of a process, and their text form (Prometheus exposition format 0.0.4).

use crate::stability::Stability;
use crate::{Counter, Family, Gauge, Histogram, process};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// All metrics of a process. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Vec<Entry>>>);

enum Entry {
    Counters(Arc<Family<Counter>>),
    Gauges(Arc<Family<Gauge>>),
    Histograms(Arc<Family<Histogram>>),
    Computed(Computed),
}

/// Gauges whose series are made while rendering.
struct Computed {
    name: &'static str,
    help: &'static str,
    labels: &'static [&'static str],
    read: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
}

/// Label values of a series, in the order of the label names, and its number.
pub type Sample = (Vec<String>, f64);

impl Registry {
    /// A registry without metrics.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers counters under a name, or returns those that are there.
    pub fn counters(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Arc<Family<Counter>> {
        let pick = |entry: &Entry| match entry {
            Entry::Counters(family) if family.name == name => Some(family.clone()),
            _ => None,
        };
        self.register(pick, Entry::Counters, || {
            Family::new(name, help, labels, &[], |_: &'static [f64]| Counter::default())
        })
    }

    /// Registers gauges under a name, or returns those that are there.
    pub fn gauges(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Arc<Family<Gauge>> {
        let pick = |entry: &Entry| match entry {
            Entry::Gauges(family) if family.name == name => Some(family.clone()),
            _ => None,
        };
        self.register(pick, Entry::Gauges, || {
            Family::new(name, help, labels, &[], |_: &'static [f64]| Gauge::default())
        })
    }

    /// Registers histograms with these upper bounds under a name, or returns those that are there.
    pub fn histograms(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [f64],
    ) -> Arc<Family<Histogram>> {
        let pick = |entry: &Entry| match entry {
            Entry::Histograms(family) if family.name == name => Some(family.clone()),
            _ => None,
        };
        self.register(pick, Entry::Histograms, || Family::new(name, help, labels, bounds, Histogram::new))
    }

    /// Registers a gauge that is computed while rendering.
    pub fn computed(
        &self,
        name: &'static str,
        help: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) {
        self.computed_family(name, help, &[], move || vec![(Vec::new(), read())]);
    }

    /// Registers gauges that are computed while rendering, which series there are included.
    pub fn computed_family(
        &self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry::Computed(Computed { name, help, labels, read: Box::new(read) }));
    }

    /// All metrics as text, those of the process and of the registry itself included.
    pub fn render(&self) -> String {
        let mut out = self.render_registered();
        self.render_registrations(&mut out);
        process::render(&mut out);
        out
    }

    /// The registered metrics alone.
    pub fn render_registered(&self) -> String {
        let mut out = String::new();
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut order: Vec<&Entry> = entries.iter().collect();
        order.sort_by_key(|entry| entry.name());
        for entry in order {
            entry.render(&mut out);
        }
        out
    }

    /// How many metrics there are of each stability; nothing here is hidden or turned off.
    fn render_registrations(&self, out: &mut String) {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut single = |name, help| {
            header(out, name, help, "counter");
            sample(out, name, &[], &[], None, 0.0);
        };
        single("disabled_metrics_total", "The count of disabled metrics.");
        single("hidden_metrics_total", "The count of hidden metrics.");
        let name = "registered_metrics_total";
        let help = "The count of registered metrics broken by stability level and deprecation version.";
        header(out, name, help, "counter");
        for level in Stability::ALL {
            let count = entries.iter().filter(|entry| Stability::of(entry.name()) == level).count();
            let values: [Box<str>; 2] = [Box::from(""), Box::from(level.as_str())];
            sample(out, name, &["deprecated_version", "stability_level"], &values, None, count as f64);
        }
    }

    fn register<M>(
        &self,
        pick: impl Fn(&Entry) -> Option<Arc<Family<M>>>,
        wrap: fn(Arc<Family<M>>) -> Entry,
        make: impl FnOnce() -> Family<M>,
    ) -> Arc<Family<M>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = entries.iter().find_map(pick) {
            return found;
        }
        let family = Arc::new(make());
        entries.push(wrap(family.clone()));
        family
    }
}

impl Entry {
    fn name(&self) -> &'static str {
        match self {
            Self::Counters(family) => family.name,
            Self::Gauges(family) => family.name,
            Self::Histograms(family) => family.name,
            Self::Computed(family) => family.name,
        }
    }

    fn render(&self, out: &mut String) {
        match self {
            Self::Counters(family) => {
                header(out, family.name, family.help, "counter");
                for (values, counter) in family.sorted() {
                    sample(out, family.name, family.labels, &values, None, counter.value() as f64);
                }
            }
            Self::Gauges(family) => {
                header(out, family.name, family.help, "gauge");
                for (values, gauge) in family.sorted() {
                    sample(out, family.name, family.labels, &values, None, gauge.value() as f64);
                }
            }
            Self::Histograms(family) => {
                header(out, family.name, family.help, "histogram");
                for (values, histogram) in family.sorted() {
                    render_histogram(out, family, &values, &histogram);
                }
            }
            Self::Computed(family) => {
                header(out, family.name, family.help, "gauge");
                for (values, number) in (family.read)() {
                    let values: Vec<Box<str>> = values.into_iter().map(String::into_boxed_str).collect();
                    sample(out, family.name, family.labels, &values, None, number);
                }
            }
        }
    }
}

fn render_histogram(
    out: &mut String,
    family: &Family<Histogram>,
    values: &[Box<str>],
    histogram: &Histogram,
) {
    let bucket = format!("{}_bucket", family.name);
    for (bound, count) in histogram.cumulative() {
        sample(out, &bucket, family.labels, values, Some(&number(bound)), count as f64);
    }
    sample(out, &bucket, family.labels, values, Some("+Inf"), histogram.count() as f64);
    sample(out, &format!("{}_sum", family.name), family.labels, values, None, histogram.sum());
    sample(out, &format!("{}_count", family.name), family.labels, values, None, histogram.count() as f64);
}

/// The head of a metric, whose help begins with its stability as upstream's does.
fn header(out: &mut String, name: &str, help: &str, kind: &str) {
    plain_header(out, name, &format!("[{}] {help}", Stability::of(name).as_str()), kind);
}

/// The head of a metric that upstream takes from its metrics library, which knows no stability.
pub(crate) fn plain_header(out: &mut String, name: &str, help: &str, kind: &str) {
    let help = help.replace('\\', "\\\\").replace('\n', "\\n");
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(crate) fn sample(
    out: &mut String,
    name: &str,
    labels: &[&str],
    values: &[Box<str>],
    bound: Option<&str>,
    value: f64,
) {
    out.push_str(name);
    let mut pairs = labels.iter().copied().zip(values.iter().map(|v| &**v)).collect::<Vec<_>>();
    pairs.extend(bound.map(|bound| ("le", bound)));
    for (i, (label, value)) in pairs.iter().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{}{label}=\"{value}\"", if i == 0 { '{' } else { ',' });
    }
    if !pairs.is_empty() {
        out.push('}');
    }
    let _ = writeln!(out, " {}", number(value));
}

fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_render_as_prometheus_reads_them() {
        let registry = Registry::new();
        let requests = registry.counters("requests_total", "Requests.", &["verb", "code"]);
        requests.with(&["GET", "200"]).add(2);
        requests.with(&["GET", "4\"4"]).increment();
        registry.histograms("seconds", "Latency.", &[], &[0.5, 1.0]).with(&[]).observe(0.7);
        registry.gauges("inflight", "Now.", &["kind"]).with(&["mutating"]).set(-1);
        registry.computed_family("objects", "Objects.", &["resource"], || vec![(vec!["pods".into()], 3.0)]);
        let text = registry.render();
        for line in [
            "# HELP requests_total [ALPHA] Requests.",
            "# TYPE requests_total counter",
            "requests_total{verb=\"GET\",code=\"200\"} 2",
            "requests_total{verb=\"GET\",code=\"4\\\"4\"} 1",
            "seconds_bucket{le=\"0.5\"} 0",
            "seconds_bucket{le=\"1\"} 1",
            "seconds_bucket{le=\"+Inf\"} 1",
            "seconds_sum 0.7",
            "inflight{kind=\"mutating\"} -1",
            "objects{resource=\"pods\"} 3",
            "registered_metrics_total{deprecated_version=\"\",stability_level=\"ALPHA\"} 4",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn registering_a_name_again_returns_the_same_family() {
        let registry = Registry::new();
        registry.counters("a", "A.", &[]).with(&[]).increment();
        registry.counters("a", "A.", &[]).with(&[]).increment();
        assert_eq!(registry.counters("a", "A.", &[]).with(&[]).value(), 2);
    }
}
