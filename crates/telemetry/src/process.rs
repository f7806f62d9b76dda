//! Gauges of the process itself (`process_*`), read from /proc while rendering.

use crate::registry::{plain_header, sample};
use std::fs::read_to_string;

/// Kernel ticks per second, as /proc reports times; fixed at 100 for user space on Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// Memory page, as /proc/self/stat counts resident memory.
const PAGE: f64 = 4_096.0;
/// What /proc/self/limits calls no limit, as a number of the type that upstream reads it into.
const UNLIMITED: f64 = u64::MAX as f64;

/// Appends what can be read; a missing /proc leaves the metrics out.
pub(crate) fn render(out: &mut String) {
    let Ok(stat) = read_to_string("/proc/self/stat") else { return };
    // The command, in parentheses, may hold spaces; the fields after it are numbers.
    let Some((_, fields)) = stat.rsplit_once(") ") else { return };
    let fields: Vec<f64> = fields.split(' ').map(|field| field.trim().parse().unwrap_or(0.0)).collect();
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0.0);
    let mut put = |name, help, kind, value| {
        plain_header(out, name, help, kind);
        sample(out, name, &[], &[], None, value);
    };
    put(
        "process_cpu_seconds_total",
        "Total user and system CPU time spent in seconds.",
        "counter",
        (field(14) + field(15)) / TICKS_PER_SECOND,
    );
    let limits = read_to_string("/proc/self/limits").unwrap_or_default();
    if let Some(most) = limit(&limits, "Max open files") {
        put("process_max_fds", "Maximum number of open file descriptors.", "gauge", most);
    }
    if let Some((received, sent)) = read_to_string("/proc/self/net/netstat").ok().as_deref().and_then(octets)
    {
        let help = "Number of bytes received by the process over the network.";
        put("process_network_receive_bytes_total", help, "counter", received);
        let help = "Number of bytes sent by the process over the network.";
        put("process_network_transmit_bytes_total", help, "counter", sent);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        put("process_open_fds", "Number of open file descriptors.", "gauge", open.count() as f64);
    }
    put("process_resident_memory_bytes", "Resident memory size in bytes.", "gauge", field(24) * PAGE);
    if let Some(booted) = read_to_string("/proc/stat").ok().as_deref().and_then(boot_time) {
        let help = "Start time of the process since unix epoch in seconds.";
        put("process_start_time_seconds", help, "gauge", booted + field(22) / TICKS_PER_SECOND);
    }
    put("process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge", field(23));
    if let Some(most) = limit(&limits, "Max address space") {
        let help = "Maximum amount of virtual memory available in bytes.";
        put("process_virtual_memory_max_bytes", help, "gauge", most);
    }
}

/// The soft limit of a line of /proc/self/limits.
fn limit(limits: &str, name: &str) -> Option<f64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(UNLIMITED),
        number => number.parse().ok(),
    }
}

/// Bytes received and sent, of the two `IpExt` lines of netstat: names, then numbers.
fn octets(netstat: &str) -> Option<(f64, f64)> {
    let mut lines = netstat.lines().filter_map(|line| line.strip_prefix("IpExt: "));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let of = |wanted: &str| {
        let at = names.split(' ').position(|name| name == wanted)?;
        numbers.split(' ').nth(at)?.parse().ok()
    };
    Some((of("InOctets")?, of("OutOctets")?))
}

/// When the machine was started, in seconds since the epoch.
fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read() {
        let limits = "Max address space         unlimited            unlimited            bytes     \n\
                      Max open files            1024                 4096                 files     \n";
        assert_eq!(limit(limits, "Max open files"), Some(1024.0));
        assert_eq!(limit(limits, "Max address space"), Some(UNLIMITED));
        assert_eq!(limit(limits, "Max processes"), None);
        let netstat = "TcpExt: A B\nTcpExt: 1 2\nIpExt: InOctets X OutOctets\nIpExt: 7 8 9\n";
        assert_eq!(octets(netstat), Some((7.0, 9.0)));
        assert_eq!(boot_time("cpu 1 2\nbtime 1795831312\n"), Some(1_795_831_312.0));
    }

    #[test]
    fn a_process_tells_of_itself() {
        let mut text = String::new();
        render(&mut text);
        for name in ["process_cpu_seconds_total ", "process_start_time_seconds ", "process_max_fds "] {
            assert!(text.lines().any(|line| line.starts_with(name)), "{name} is missing in\n{text}");
        }
    }
}
