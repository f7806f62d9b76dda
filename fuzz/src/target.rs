//! The shape of a target.

/// What a run showed: nothing wrong, or what is.
pub type Verdict = Result<(), Broken>;

/// What is wrong: a law that does not hold, in words, or a panic's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

/// A decoder of bytes from outside. To add one: a file in `targets/` with a constant `TARGET`, and a line in
/// [`all`](crate::targets::all).
pub struct Target {
    /// Its name on the command line and in the names of files.
    pub name: &'static str,
    /// Inputs that are right, from which broken ones are made.
    pub seeds: &'static [&'static [u8]],
    /// More of them, where writing them down would be unreadable; [`none`] where that is not needed.
    pub made: fn() -> Vec<Vec<u8>>,
    /// Decodes an input, which may be refused, and checks the laws of what was taken. Must not panic on any input, and is
    /// bounded in time and memory as the decoder is.
    pub run: fn(&[u8]) -> Verdict,
}

impl Target {
    /// All its seeds.
    pub fn all_seeds(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = self.seeds.iter().map(|seed| seed.to_vec()).collect();
        all.extend((self.made)());
        all
    }
}

/// No seeds but those that are written down.
pub fn none() -> Vec<Vec<u8>> {
    Vec::new()
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
