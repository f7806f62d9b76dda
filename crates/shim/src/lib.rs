//! The pod shim: a small static program that starts, supervises and logs a pod's containers
