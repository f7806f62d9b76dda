//! Gauges of the process itself (`process_*`), read from /proc while rendering.

use crate::registry::{header, sample};

/// Kernel ticks per second, as /proc reports times; fixed at 100 for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// Memory page, as /proc/self/stat counts resident memory.
const PAGE: f64 = 4_096.0;

/// Appends what can be read; a missing /proc leaves the metrics out.
pub(crate) fn render(out: &mut String) {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return };
    // The command, in parentheses, may hold spaces; the fields after it are numbers.
    let Some((_, fields)) = stat.rsplit_once(") ") else { return };
    let fields: Vec<f64> = fields.split(' ').map(|field| field.trim().parse().unwrap_or(0.0)).collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    let mut put = |name, help, kind, value| {
        header(out, name, help, kind);
        sample(out, name, &[], &[], None, value);
    };
    put(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        "counter",
        (field(14) + field(15)) / TICKS_PER_SECOND,
    );
    put("process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge", field(23));
    put("process_resident_memory_bytes", "Resident memory size in bytes.", "gauge", field(24) * PAGE);
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        put("process_open_fds", "Number of open file descriptors.", "gauge", open.count() as f64);
    }
}
