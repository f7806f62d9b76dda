//! Numbers of system calls by name, from the kernel's tables in `generated/`.

use std::collections::HashMap;
use std::sync::OnceLock;

/// A processor architecture as seccomp sees it.
pub struct Architecture {
    /// `AUDIT_ARCH_*`.
    pub audit: u32,
    table: &'static str,
    numbers: OnceLock<HashMap<&'static str, u32>>,
}

impl Architecture {
    const fn new(audit: u32, table: &'static str) -> Self {
        Self { audit, table, numbers: OnceLock::new() }
    }

    /// A call's number; `None` if the architecture has no such call.
    pub fn number(&self, name: &str) -> Option<u32> {
        let numbers = self.numbers.get_or_init(|| {
            let entries = self.table.split([',', '\n']).filter_map(|entry| entry.trim().split_once(' '));
            entries.filter_map(|(name, number)| Some((name, number.parse().ok()?))).collect()
        });
        numbers.get(name).copied()
    }
}

/// The architectures of programs that this machine runs.
#[cfg(target_arch = "x86_64")]
pub static NATIVE: [Architecture; 2] = [
    Architecture::new(0xc000_003e, include_str!("generated/x86_64.txt")),
    Architecture::new(0x4000_0003, include_str!("generated/x86.txt")),
];

/// The architectures of programs that this machine runs.
#[cfg(target_arch = "aarch64")]
pub static NATIVE: [Architecture; 1] =
    [Architecture::new(0xc000_00b7, include_str!("generated/aarch64.txt"))];

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_kernels() {
        let [x86_64, x86] = &NATIVE;
        assert_eq!(x86_64.number("openat"), Some(libc::SYS_openat as u32));
        assert_eq!(x86_64.number("clone3"), Some(435));
        assert_eq!(x86.number("clone"), Some(120));
        assert_eq!(x86_64.number("socketcall"), None);
    }
}
