//! An etcd server for a test.
