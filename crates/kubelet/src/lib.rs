//! The node agent: pod workers, volumes, probes, status, node server
