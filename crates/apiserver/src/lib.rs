//! The API server: from a request to a stored object to every watcher
