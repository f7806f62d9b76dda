//! Cluster DNS over the informer caches
