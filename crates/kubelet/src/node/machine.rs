//! Facts of the machine, read once at start from /proc, /sys and /etc.

use crate::pod::field_ref::Allocatable;
use std::path::Path;

/// Memory that pods must leave free: upstream's hard eviction threshold.
const RESERVED_MEMORY: i64 = 100 << 20;

/// What the machine is.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Number of CPUs.
    pub cpus: i64,
    /// Memory in bytes.
    pub memory: i64,
    /// Swap in bytes.
    pub swap: i64,
    /// Size of the file system that holds pods, in bytes.
    pub storage: i64,
    /// Sizes of huge pages that the kernel knows (`2Mi`) with the bytes reserved for each.
    pub huge_pages: Vec<(String, i64)>,
    /// Name of the machine.
    pub hostname: String,
    /// `/etc/machine-id`.
    pub machine_id: String,
    /// The firmware's UUID.
    pub system_uuid: String,
    /// Changes at each boot.
    pub boot_id: String,
    /// Release of the kernel.
    pub kernel: String,
    /// Name of the operating system.
    pub os_image: String,
    /// Architecture in Go's words.
    pub architecture: &'static str,
}

impl Machine {
    /// Reads the facts.
    pub fn read(root_dir: &Path) -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let memory_table = read("/proc/meminfo");
        let machine_id = read("/etc/machine-id").trim().to_owned();
        let boot_id = read("/proc/sys/kernel/random/boot_id").trim().to_owned();
        let system_uuid = read("/sys/class/dmi/id/product_uuid").trim().to_owned();
        Self {
            cpus: std::thread::available_parallelism().map_or(1, |n| i64::try_from(n.get()).unwrap_or(1)),
            memory: kilobytes(&memory_table, "MemTotal"),
            swap: kilobytes(&memory_table, "SwapTotal"),
            storage: file_system_size(root_dir),
            huge_pages: huge_pages(),
            hostname: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            // Containers and minimal systems lack one; what identifies the boot still tells machines apart.
            machine_id: if machine_id.is_empty() { boot_id.replace('-', "") } else { machine_id.clone() },
            system_uuid: if system_uuid.is_empty() { machine_id } else { system_uuid },
            boot_id,
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            os_image: os_image(&read("/etc/os-release")),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                "powerpc64" => "ppc64le",
                other => other,
            },
        }
    }

    /// What pods may use.
    pub fn allocatable(&self) -> Allocatable {
        Allocatable {
            cpu: self.cpus * 1000,
            memory: (self.memory - RESERVED_MEMORY).max(0),
            ephemeral_storage: self.storage / 10 * 9,
        }
    }
}

fn kilobytes(table: &str, key: &str) -> i64 {
    let line = table.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<i64>().ok());
    number.unwrap_or(0) * 1024
}

fn os_image(release: &str) -> String {
    let value = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    value.map_or_else(|| "Unknown".to_owned(), |text| text.trim_matches('"').to_owned())
}

fn file_system_size(dir: &Path) -> i64 {
    let existing = dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    rustix::fs::statvfs(existing)
        .map_or(0, |stat| i64::try_from(stat.f_blocks * stat.f_frsize).unwrap_or(i64::MAX))
}

fn huge_pages() -> Vec<(String, i64)> {
    let Ok(entries) = std::fs::read_dir("/sys/kernel/mm/hugepages") else { return Vec::new() };
    let mut out: Vec<(String, i64)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let kilobytes: i64 = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            let count = std::fs::read_to_string(entry.path().join("nr_hugepages")).ok()?;
            let size = match kilobytes {
                k if k % (1 << 20) == 0 => format!("{}Gi", k >> 20),
                k if k % (1 << 10) == 0 => format!("{}Mi", k >> 10),
                k => format!("{k}Ki"),
            };
            Some((size, count.trim().parse::<i64>().ok()? * kilobytes * 1024))
        })
        .collect();
    out.sort();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read() {
        assert_eq!(kilobytes("MemTotal:       1024 kB\nSwapTotal: 0 kB\n", "MemTotal"), 1 << 20);
        assert_eq!(os_image("ID=debian\nPRETTY_NAME=\"Debian 12\"\n"), "Debian 12");
    }
}
