//! The controllers: pure plans and one shared runner
