//! Changes for one subscriber, coalesced by object.
//!
//! The queue remembers per object the state that the subscriber last heard of and the newest state. However slow the
//! subscriber is, the queue is bounded by the number of objects and the newest state is delivered. An object that was
//! deleted and made again under its name is told as `Deleted`, then `Added`; one that came and went before the subscriber
//! heard of it, as `Deleted`.

use super::{Cached, Informer};
use skiff_apimachinery::meta::ObjectKey;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A change of one object.
#[derive(Debug)]
pub enum Event<T> {
    /// The object is new to the subscriber.
    Added(Arc<Cached<T>>),
    /// The object changed since the subscriber last heard of it.
    Updated {
        /// What the subscriber last heard of.
        old: Arc<Cached<T>>,
        /// What the object is now.
        new: Arc<Cached<T>>,
    },
    /// The object is gone; its last known state.
    Deleted(Arc<Cached<T>>),
}

/// Receives the changes of one informer and keeps it running.
pub struct Subscription<T> {
    queue: Arc<Queue<T>>,
    informer: Informer<T>,
}

pub(super) struct Queue<T> {
    pending: Mutex<Pending<T>>,
    ready: Notify,
}

struct Pending<T> {
    order: VecDeque<ObjectKey>,
    changes: HashMap<ObjectKey, Change<T>>,
}

struct Change<T> {
    /// What the subscriber last heard of; none if it never heard of the object.
    known: Option<Arc<Cached<T>>>,
    /// What the object is now.
    now: State<T>,
}

enum State<T> {
    Present(Arc<Cached<T>>),
    Gone(Arc<Cached<T>>),
}

// === impl Event ===

impl<T> Event<T> {
    /// The object as it is now, or as it was last.
    pub fn object(&self) -> &Arc<Cached<T>> {
        match self {
            Self::Added(object) | Self::Updated { new: object, .. } | Self::Deleted(object) => object,
        }
    }
}

// === impl Subscription ===

impl<T> Subscription<T> {
    pub(super) fn new(queue: Arc<Queue<T>>, informer: Informer<T>) -> Self {
        Self { queue, informer }
    }

    /// The informer that this listens to.
    pub fn informer(&self) -> &Informer<T> {
        &self.informer
    }

    /// The next change; waits for one. Safe to cancel.
    pub async fn next(&mut self) -> Event<T> {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            // A permit stored by notify_one since the look above makes this return at once.
            self.queue.ready.notified().await;
        }
    }

    /// The next change, if there is one now.
    pub fn try_next(&mut self) -> Option<Event<T>> {
        self.queue.lock().pop()
    }
}

// === impl Queue ===

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        let pending = Pending { order: VecDeque::new(), changes: HashMap::new() };
        Self { pending: Mutex::new(pending), ready: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Pending<T>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, key: ObjectKey, old: Option<Arc<Cached<T>>>, new: Arc<Cached<T>>) {
        self.lock().put(key, old, State::Present(new));
        self.ready.notify_one();
    }

    pub(super) fn remove(&self, key: ObjectKey, old: Arc<Cached<T>>, last: Arc<Cached<T>>) {
        self.lock().put(key, Some(old), State::Gone(last));
        self.ready.notify_one();
    }
}

impl<T> Pending<T> {
    fn put(&mut self, key: ObjectKey, old: Option<Arc<Cached<T>>>, now: State<T>) {
        if let Some(change) = self.changes.get_mut(&key) {
            change.now = now;
            return;
        }
        self.order.push_back(key.clone());
        self.changes.insert(key, Change { known: old, now });
    }

    fn pop(&mut self) -> Option<Event<T>> {
        loop {
            let key = self.order.pop_front()?;
            let Some(Change { known, now }) = self.changes.remove(&key) else { continue };
            return Some(match (known, now) {
                (None, State::Present(new)) => Event::Added(new),
                (Some(old), State::Present(new)) if old.uid() == new.uid() => Event::Updated { old, new },
                (Some(old), State::Present(new)) => {
                    self.order.push_front(key.clone());
                    self.changes.insert(key, Change { known: None, now: State::Present(new) });
                    Event::Deleted(old)
                }
                // Told also of one that came and went unheard: the store showed it meanwhile, and whoever looked there
                // may wait for its end.
                (_, State::Gone(last)) => Event::Deleted(last),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Untyped;
    use skiff_apimachinery::doc;

    #[test]
    fn an_object_that_came_and_went_unheard_is_told_as_gone() {
        let object = doc!({"metadata": {"name": "a", "namespace": "b", "uid": "u"}});
        let object: Arc<Cached<Untyped>> = Arc::new(Cached::decode(Arc::new(object)).unwrap());
        let queue = Queue::new();
        queue.set(object.key(), None, object.clone());
        queue.remove(object.key(), object.clone(), object);
        let mut pending = queue.lock();
        assert!(matches!(pending.pop(), Some(Event::Deleted(gone)) if gone.name() == "a"));
        assert!(pending.pop().is_none());
    }
}
