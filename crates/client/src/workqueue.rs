//! A queue of keys to work on: de-duplicating, delaying, backing off per key.
//!
//! Upstream's semantics: a key is in the queue at most once; a key added while it is being worked on is queued again,
//! once, when that work ends; so one key is never worked on twice at a time. Keys that fail come back after 5 ms, 10 ms
//! and so on up to 1000 s, until they are forgotten. Nothing runs while the queue is empty: waiting workers hold the
//! timers.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

const FIRST_DELAY: Duration = Duration::from_millis(5);
const LONGEST_DELAY: Duration = Duration::from_secs(1000);

/// A queue of keys, shared by those who add and those who work. Cheap to clone.
pub struct WorkQueue<K> {
    shared: Arc<Shared<K>>,
}

/// A key in work; dropping it says that the work has ended.
pub struct Work<K: Clone + Eq + Hash> {
    key: K,
    begun: Instant,
    queue: WorkQueue<K>,
}

/// Who wants to measure a queue (`workqueue_*` metrics). Called outside the queue's lock.
pub trait QueueObserver: Send + Sync + 'static {
    /// A key entered the queue, which now holds `depth`.
    fn added(&self, depth: usize);
    /// A key was taken after it waited in the queue.
    fn taken(&self, depth: usize, waited: Duration);
    /// Work on a key ended.
    fn done(&self, took: Duration);
    /// A key will come back after a failure.
    fn retried(&self);
}

struct Shared<K> {
    state: Mutex<State<K>>,
    changed: Notify,
    closed: Notify,
    observer: Option<Arc<dyn QueueObserver>>,
}

struct State<K> {
    /// Keys to work on, in order, with the time they came.
    ready: VecDeque<(K, Instant)>,
    /// Keys that need work: those in `ready`, and those in work that were added meanwhile.
    dirty: HashSet<K>,
    /// Keys in work.
    processing: HashSet<K>,
    /// Keys to add later; the number makes the times unique.
    delayed: BTreeMap<(Instant, u64), K>,
    /// Where each delayed key stands in `delayed`.
    due: HashMap<K, (Instant, u64)>,
    /// How often each key failed since it was forgotten.
    failures: HashMap<K, u32>,
    serial: u64,
    shutdown: bool,
}

// === impl WorkQueue ===

impl<K> Clone for WorkQueue<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: Clone + Eq + Hash> Default for WorkQueue<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone + Eq + Hash> WorkQueue<K> {
    /// An empty queue.
    pub fn new() -> Self {
        Self::build(None)
    }

    /// An empty queue that is measured.
    pub fn observed(observer: Arc<dyn QueueObserver>) -> Self {
        Self::build(Some(observer))
    }

    fn build(observer: Option<Arc<dyn QueueObserver>>) -> Self {
        let state = State {
            ready: VecDeque::new(),
            dirty: HashSet::new(),
            processing: HashSet::new(),
            delayed: BTreeMap::new(),
            due: HashMap::new(),
            failures: HashMap::new(),
            serial: 0,
            shutdown: false,
        };
        let shared =
            Shared { state: Mutex::new(state), changed: Notify::new(), closed: Notify::new(), observer };
        Self { shared: Arc::new(shared) }
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a key now.
    pub fn add(&self, key: K) {
        let added = {
            let mut state = self.lock();
            state.add(key, Instant::now()).then_some(state.ready.len())
        };
        if let Some(depth) = added {
            self.shared.changed.notify_one();
            if let Some(observer) = &self.shared.observer {
                observer.added(depth);
            }
        }
    }

    /// Adds a key later; of several times the earliest counts.
    pub fn add_after(&self, key: K, delay: Duration) {
        if delay.is_zero() {
            return self.add(key);
        }
        self.lock().delay(key, Instant::now() + delay);
        self.shared.changed.notify_one();
    }

    /// Adds a key after a pause that grows with every call until [`forget`](Self::forget).
    pub fn add_rate_limited(&self, key: K) {
        let delay = {
            let mut state = self.lock();
            let failures = state.failures.entry(key.clone()).or_insert(0);
            let delay = back_off(*failures);
            *failures = failures.saturating_add(1);
            delay
        };
        if let Some(observer) = &self.shared.observer {
            observer.retried();
        }
        self.add_after(key, delay);
    }

    /// The key did well: its next failure starts with the shortest pause again.
    pub fn forget(&self, key: &K) {
        self.lock().failures.remove(key);
    }

    /// How often the key failed since it was forgotten.
    pub fn failures(&self, key: &K) -> u32 {
        self.lock().failures.get(key).copied().unwrap_or(0)
    }

    /// How many keys wait to be taken now.
    pub fn len(&self) -> usize {
        self.lock().ready.len()
    }

    /// Whether no key waits to be taken now.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the next key; waits for one. `None` after shutdown. Safe to cancel.
    pub async fn next(&self) -> Option<Work<K>> {
        loop {
            let closed = self.shared.closed.notified();
            let deadline = {
                let mut state = self.lock();
                if state.shutdown {
                    return None;
                }
                let now = Instant::now();
                state.release_due(now);
                if let Some((key, since)) = state.take() {
                    let depth = state.ready.len();
                    // Another worker must take what is left, or hold the timer of what is delayed.
                    let more = depth > 0 || !state.delayed.is_empty();
                    drop(state);
                    if more {
                        self.shared.changed.notify_one();
                    }
                    if let Some(observer) = &self.shared.observer {
                        observer.taken(depth, now - since);
                    }
                    return Some(Work { key, begun: now, queue: self.clone() });
                }
                state.delayed.keys().next().map(|(at, _)| *at)
            };
            let timer = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.shared.changed.notified() => {}
                () = closed => {}
                () = timer => {}
            }
        }
    }

    /// Ends the queue: waiting and later [`next`](Self::next) return `None`, added keys are dropped.
    pub fn shutdown(&self) {
        self.lock().shutdown = true;
        self.shared.closed.notify_waiters();
    }

    fn done(&self, key: &K, begun: Instant) {
        let again = {
            let mut state = self.lock();
            state.processing.remove(key);
            let again = state.dirty.contains(key) && !state.shutdown;
            if again {
                state.ready.push_back((key.clone(), Instant::now()));
            }
            again
        };
        if again {
            self.shared.changed.notify_one();
        }
        if let Some(observer) = &self.shared.observer {
            observer.done(begun.elapsed());
        }
    }
}

// === impl Work ===

impl<K: Clone + Eq + Hash> std::ops::Deref for Work<K> {
    type Target = K;
    fn deref(&self) -> &K {
        &self.key
    }
}

impl<K: Clone + Eq + Hash> Drop for Work<K> {
    fn drop(&mut self) {
        self.queue.done(&self.key, self.begun);
    }
}

// === impl State ===

impl<K: Clone + Eq + Hash> State<K> {
    /// Tells whether the key entered the queue.
    fn add(&mut self, key: K, now: Instant) -> bool {
        if self.shutdown || !self.dirty.insert(key.clone()) || self.processing.contains(&key) {
            return false;
        }
        self.ready.push_back((key, now));
        true
    }

    fn delay(&mut self, key: K, at: Instant) {
        if self.shutdown {
            return;
        }
        if let Some(place) = self.due.get(&key) {
            if place.0 <= at {
                return;
            }
            self.delayed.remove(place);
        }
        self.serial += 1;
        let place = (at, self.serial);
        self.delayed.insert(place, key.clone());
        self.due.insert(key, place);
    }

    fn release_due(&mut self, now: Instant) {
        while let Some(entry) = self.delayed.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let key = entry.remove();
            self.due.remove(&key);
            self.add(key, now);
        }
    }

    fn take(&mut self) -> Option<(K, Instant)> {
        let (key, since) = self.ready.pop_front()?;
        self.dirty.remove(&key);
        self.processing.insert(key.clone());
        Some((key, since))
    }
}

fn back_off(failures: u32) -> Duration {
    2u32.checked_pow(failures)
        .and_then(|factor| FIRST_DELAY.checked_mul(factor))
        .map_or(LONGEST_DELAY, |d| d.min(LONGEST_DELAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing(queue: &WorkQueue<&'static str>) -> bool {
        tokio::time::timeout(Duration::from_millis(1), queue.next()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_waits_once_however_often_it_is_added() {
        let queue = WorkQueue::new();
        queue.add("a");
        queue.add("a");
        drop(queue.next().await.unwrap());
        assert!(nothing(&queue).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_added_while_in_work_comes_again_once_when_the_work_ends() {
        let queue = WorkQueue::new();
        queue.add("a");
        let work = queue.next().await.unwrap();
        queue.add("a");
        queue.add("a");
        assert!(nothing(&queue).await);
        drop(work);
        drop(queue.next().await.unwrap());
        assert!(nothing(&queue).await);
    }

    #[tokio::test(start_paused = true)]
    async fn failing_keys_come_back_later_each_time() {
        let queue = WorkQueue::new();
        for expected in [5, 10, 20, 40] {
            queue.add_rate_limited("a");
            let begun = Instant::now();
            drop(queue.next().await.unwrap());
            assert_eq!(begun.elapsed().as_millis(), expected);
        }
        queue.forget(&"a");
        assert_eq!(queue.failures(&"a"), 0);
        assert_eq!(back_off(40), LONGEST_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_of_several_delays_counts() {
        let queue = WorkQueue::new();
        queue.add_after("a", Duration::from_secs(60));
        queue.add_after("a", Duration::from_secs(2));
        queue.add_after("a", Duration::from_secs(30));
        let begun = Instant::now();
        drop(queue.next().await.unwrap());
        assert_eq!(begun.elapsed().as_secs(), 2);
        assert!(queue.lock().delayed.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_delayed_key_is_taken_by_an_idle_worker_while_another_is_busy() {
        let queue = WorkQueue::new();
        let idle = tokio::spawn({
            let queue = queue.clone();
            async move { queue.next().await.map(|work| *work) }
        });
        tokio::task::yield_now().await;
        queue.add_after("late", Duration::from_secs(1));
        queue.add("now");
        let first = idle.await.unwrap();
        let second = queue.next().await.map(|work| *work);
        assert_eq!((first, second), (Some("now"), Some("late")));
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_wakes_all_workers() {
        let queue = WorkQueue::<&str>::new();
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await.is_none() })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.shutdown();
        for worker in workers {
            assert!(worker.await.unwrap());
        }
    }
}
