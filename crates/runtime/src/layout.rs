//! Where things are on disk.
//!
//! ```text
//! DATA_DIR/runtime/
//!   format                     version of this layout
//!   bin/skiff-shim-HASH        the shim program, as embedded
//!   seccomp/HASH               seccomp filters
//!   cgroup-parents             cgroups that pods were placed below
//!   sandboxes/ID/              record.json, shim.json, shim.sock, shim.log, exits/
//!   containers/ID/             record.json, upper/, work/, rootfs/ (the mount point)
//!   images/                    see `image::store`
//!   layers/KEY/                unpacked layers
//! ```

use crate::error::{At, Outcome, RuntimeError};
use std::path::{Path, PathBuf};

/// The version of the layout.
const FORMAT: u32 = 1;

/// Paths below a data directory.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Of a data directory; nothing is made yet.
    pub fn of(data_dir: &Path) -> Self {
        Self { root: data_dir.join("runtime") }
    }

    /// Of a data directory, made where missing, and refused if a newer version made it.
    pub fn open(data_dir: &Path) -> Outcome<Self> {
        let layout = Self::of(data_dir);
        let format = layout.root.join("format");
        match std::fs::read_to_string(&format) {
            Ok(text) if text.trim() == FORMAT.to_string() => {}
            Ok(text) => {
                let found = text.trim().to_owned();
                return Err(RuntimeError::NewerFormat { path: layout.root, found, known: FORMAT });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => layout.make(&format)?,
            Err(error) => return Err(error).at("read", &format),
        }
        // A relative data directory would lead elsewhere from the shims.
        layout.root.canonicalize().map(|root| Self { root }).at("find", &layout.root)
    }

    /// True if there is anything of a runtime here.
    pub fn exists(&self) -> bool {
        self.root.is_dir()
    }

    /// Folder of shim programs.
    pub fn programs(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// Folder of seccomp filters.
    pub fn seccomp(&self) -> PathBuf {
        self.root.join("seccomp")
    }

    /// File of cgroups that pods were placed below, one a line.
    pub fn cgroup_parents(&self) -> PathBuf {
        self.root.join("cgroup-parents")
    }

    /// Folder of sandboxes.
    pub fn sandboxes(&self) -> PathBuf {
        self.root.join("sandboxes")
    }

    /// A sandbox's folder.
    pub fn sandbox(&self, id: &str) -> PathBuf {
        self.sandboxes().join(id)
    }

    /// Folder of containers.
    pub fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// A container's folder.
    pub fn container(&self, id: &str) -> PathBuf {
        self.containers().join(id)
    }

    /// Folder of the image store's records.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Folder of unpacked layers.
    pub fn layers(&self) -> PathBuf {
        self.root.join("layers")
    }

    fn make(&self, format: &Path) -> Outcome<()> {
        use std::os::unix::fs::DirBuilderExt;
        let folders = [
            self.root.clone(),
            self.programs(),
            self.seccomp(),
            self.sandboxes(),
            self.containers(),
            self.images(),
            self.layers(),
        ];
        for folder in folders {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(&folder).at("create", &folder)?;
        }
        crate::record::write_bytes(format, format!("{FORMAT}\n").as_bytes())
    }
}
