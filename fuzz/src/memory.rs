//! How much memory the process has and had at most, as the kernel counts it.

/// Bytes that are resident now.
pub fn resident() -> u64 {
    bytes_of("VmRSS:")
}

/// Most bytes that were resident since the last [`forget_peak`].
pub fn peak() -> u64 {
    bytes_of("VmHWM:")
}

/// Begins to measure the peak anew. Where the kernel does not allow it, the peak is that of the whole process.
pub fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn bytes_of(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
