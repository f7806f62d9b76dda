//! Tests that drive a real `skiff` process through real clients; each file under `tests/` is about one part of the system.
