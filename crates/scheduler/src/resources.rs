//! Amounts of resources, and what a pod asks for.

use skiff_apimachinery::quantity::Quantity;
use skiff_apimachinery::{Document, Map};

/// CPU that a container without request is taken to use when nodes are compared, in millicores.
const DEFAULT_MILLI_CPU: i64 = 100;
/// Memory that a container without request is taken to use when nodes are compared, in bytes.
const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

/// Amounts of resources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    /// Millicores.
    pub milli_cpu: i64,
    /// Bytes.
    pub memory: i64,
    /// Bytes.
    pub ephemeral_storage: i64,
    /// Everything else (huge pages, devices), sorted by name.
    pub other: Vec<(Box<str>, i64)>,
}

impl Resources {
    /// Reads a resource list such as `{cpu: 500m, memory: 1Gi}`.
    pub fn read(list: Option<&Map>) -> Self {
        let mut out = Self::default();
        for (name, amount) in list.into_iter().flat_map(Map::iter) {
            let Some(Ok(amount)) = Quantity::from_document(amount) else { continue };
            match name {
                "cpu" => out.milli_cpu = amount.milli_value(),
                "memory" => out.memory = amount.value(),
                "ephemeral-storage" => out.ephemeral_storage = amount.value(),
                "pods" => {}
                other => out.set_other(other, amount.value()),
            }
        }
        out
    }

    /// The amount of a resource that has no field of its own.
    pub fn other(&self, name: &str) -> i64 {
        self.other.binary_search_by(|(n, _)| (**n).cmp(name)).map_or(0, |i| self.other[i].1)
    }

    fn set_other(&mut self, name: &str, amount: i64) {
        match self.other.binary_search_by(|(n, _)| (**n).cmp(name)) {
            Ok(i) => self.other[i].1 = amount,
            Err(i) => self.other.insert(i, (name.into(), amount)),
        }
    }

    /// Adds.
    pub fn add(&mut self, more: &Self) {
        self.milli_cpu += more.milli_cpu;
        self.memory += more.memory;
        self.ephemeral_storage += more.ephemeral_storage;
        for (name, amount) in &more.other {
            self.set_other(name, self.other(name) + amount);
        }
    }

    /// Takes away.
    pub fn subtract(&mut self, less: &Self) {
        self.milli_cpu -= less.milli_cpu;
        self.memory -= less.memory;
        self.ephemeral_storage -= less.ephemeral_storage;
        for (name, amount) in &less.other {
            self.set_other(name, self.other(name) - amount);
        }
    }

    /// The larger of each.
    pub fn raise_to(&mut self, floor: &Self) {
        self.milli_cpu = self.milli_cpu.max(floor.milli_cpu);
        self.memory = self.memory.max(floor.memory);
        self.ephemeral_storage = self.ephemeral_storage.max(floor.ephemeral_storage);
        for (name, amount) in &floor.other {
            self.set_other(name, self.other(name).max(*amount));
        }
    }
}

/// What a pod asks for: the larger of its containers together and of each init container with the sidecars started before
/// it, plus overhead. Requests for the whole pod (KEP-2837) take precedence where given.
pub fn pod_requests(spec: &Document) -> Resources {
    let mut total =
        combine(spec, |container| Resources::read(container.object_at(&["resources", "requests"])));
    if let Some(pod_level) = spec.object_at(&["resources", "requests"]) {
        let level = Resources::read(Some(pod_level));
        if pod_level.contains_key("cpu") {
            total.milli_cpu = level.milli_cpu;
        }
        if pod_level.contains_key("memory") {
            total.memory = level.memory;
        }
        for (name, amount) in &level.other {
            total.set_other(name, *amount);
        }
    }
    total.add(&Resources::read(spec.object_at(&["overhead"])));
    total
}

/// The same with a guess for containers that ask for nothing: what scoring uses, so that nodes full of modest pods do not
/// look empty.
pub fn pod_requests_for_scoring(spec: &Document) -> Resources {
    let mut total = combine(spec, |container| {
        let requests = container.object_at(&["resources", "requests"]);
        let mut amount = Resources::read(requests);
        if !requests.is_some_and(|r| r.contains_key("cpu")) {
            amount.milli_cpu = DEFAULT_MILLI_CPU;
        }
        if !requests.is_some_and(|r| r.contains_key("memory")) {
            amount.memory = DEFAULT_MEMORY;
        }
        amount
    });
    total.add(&Resources::read(spec.object_at(&["overhead"])));
    total
}

fn combine(spec: &Document, requests: impl Fn(&Document) -> Resources) -> Resources {
    let mut running = Resources::default();
    for container in spec.array_at(&["containers"]) {
        running.add(&requests(container));
    }
    let mut sidecars = Resources::default();
    let mut starting = Resources::default();
    for container in spec.array_at(&["initContainers"]) {
        let mut amount = requests(container);
        if container.str_at(&["restartPolicy"]) == "Always" {
            running.add(&amount);
            sidecars.add(&amount);
            starting.raise_to(&sidecars);
        } else {
            amount.add(&sidecars);
            starting.raise_to(&amount);
        }
    }
    running.raise_to(&starting);
    running
}

#[cfg(test)]
mod tests {
    use super::*;
    use skiff_apimachinery::doc;

    fn container(cpu: &str) -> Document {
        doc!({"resources": {"requests": {"cpu": cpu}}})
    }

    fn sidecar(cpu: &str) -> Document {
        doc!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}})
    }

    #[test]
    fn a_pod_needs_the_larger_of_its_containers_and_each_init_container() {
        let spec = doc!({
            "containers": [container("100m"), container("200m")],
            "initContainers": [container("1")],
            "overhead": {"cpu": "50m"}
        });
        assert_eq!(pod_requests(&spec).milli_cpu, 1050);
    }

    #[test]
    fn a_sidecar_counts_with_everything_that_starts_after_it() {
        let spec = doc!({
            "containers": [container("100m")],
            "initContainers": [container("300m"), sidecar("200m"), container("250m")]
        });
        assert_eq!(pod_requests(&spec).milli_cpu, 450);
    }

    #[test]
    fn scoring_guesses_what_is_not_asked_for() {
        let spec = doc!({"containers": [doc!({"name": "a"})]});
        assert_eq!(pod_requests(&spec), Resources::default());
        let guess = pod_requests_for_scoring(&spec);
        assert_eq!((guess.milli_cpu, guess.memory), (100, 200 * 1024 * 1024));
    }
}
