//! etcd semantics over an embedded store or an etcd cluster
