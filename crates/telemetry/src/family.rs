//! All series of one metric name, told apart by label values.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock};

/// Most series a family keeps apart.
const MAX_SERIES: usize = 4_096;

/// Label values of one series, in the order of the family's label names.
type Values = Box<[Box<str>]>;

/// The series of one metric name.
#[derive(Debug)]
pub struct Family<M> {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) labels: &'static [&'static str],
    make: fn(&'static [f64]) -> M,
    bounds: &'static [f64],
    hasher: RandomState,
    // Keyed by the hash of the values, so that looking one up allocates nothing.
    series: RwLock<HashMap<u64, Vec<(Values, M)>>>,
}

impl<M: Clone> Family<M> {
    pub(crate) fn new(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [f64],
        make: fn(&'static [f64]) -> M,
    ) -> Self {
        Self { name, help, labels, make, bounds, hasher: RandomState::new(), series: RwLock::default() }
    }

    /// The series with these label values, made if it is new.
    pub fn with(&self, values: &[&str]) -> M {
        let hash = self.hash(values);
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = find(&series, hash, values) {
            return found;
        }
        let full = series.len() >= MAX_SERIES;
        drop(series);
        if full {
            let other = vec!["other"; self.labels.len()];
            return self.insert(self.hash(&other), &other);
        }
        self.insert(hash, values)
    }

    /// Label values and series, sorted.
    pub(crate) fn sorted(&self) -> Vec<(Values, M)> {
        let series = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(Values, M)> = series.values().flatten().cloned().collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn insert(&self, hash: u64, values: &[&str]) -> M {
        let mut series = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = find(&series, hash, values) {
            return found;
        }
        let made = (self.make)(self.bounds);
        let key = values.iter().map(|value| Box::from(*value)).collect();
        series.entry(hash).or_default().push((key, made.clone()));
        made
    }

    fn hash(&self, values: &[&str]) -> u64 {
        self.hasher.hash_one(values)
    }
}

fn find<M: Clone>(series: &HashMap<u64, Vec<(Values, M)>>, hash: u64, values: &[&str]) -> Option<M> {
    let same = |key: &Values| key.iter().map(|v| &**v).eq(values.iter().copied());
    series.get(&hash)?.iter().find(|(key, _)| same(key)).map(|(_, metric)| metric.clone())
}
