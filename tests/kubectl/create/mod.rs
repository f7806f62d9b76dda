//! `kubectl create`, one file per family of generators.

mod config;
mod policy;
mod roles;
mod services;
mod workloads;
