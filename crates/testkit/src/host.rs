//! A host of a test's own: a network and a mount namespace, held by a process that ends with the test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Gives the host an address and a default route that lead nowhere (192.0.2.0/24 is for documentation).
const SETUP: &str = "ip link set lo up \
    && ip link add sail0 type veth peer name sail1 \
    && ip addr add 192.0.2.2/24 dev sail0 \
    && ip link set sail1 up && ip link set sail0 up \
    && ip route add default via 192.0.2.1 \
    && echo ready && exec sleep infinity";

/// A network and a mount namespace.
pub struct Host {
    holder: Child,
}

impl Host {
    /// Makes the namespaces.
    ///
    /// # Panics
    /// If that needs rights that the test does not have.
    pub fn new() -> Self {
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "--propagation", "private", "sh", "-c", SETUP])
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is installed with util-linux");
        let mut line = String::new();
        let output = holder.stdout.take().expect("it was piped above");
        BufReader::new(output).read_line(&mut line).expect("the holder speaks");
        assert_eq!(line.trim(), "ready", "the test host's network could not be made");
        Self { holder }
    }

    /// The process that holds the namespaces.
    pub fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// A command inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--net", "--mount", "--"]).arg(program);
        command
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing more to do then.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
