//! Places pods on nodes: queue, snapshot, plugins, binding
