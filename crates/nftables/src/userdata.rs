//! User data that the `nft` tool attaches to objects and shows again: comments and byte orders. Type, length, value, one
//! byte each for the first two; the kernel stores up to 256 bytes without looking at them.

use crate::kernel::userdata;

/// Longest comment that the `nft` tool shows.
const COMMENT_MAX: usize = 128;

/// User data under construction.
#[derive(Default)]
pub(crate) struct Userdata(Vec<u8>);

impl Userdata {
    pub(crate) fn u32(mut self, kind: u8, value: u32) -> Self {
        self.0.extend_from_slice(&[kind, 4]);
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    /// A comment, cut to what fits; nothing if it is empty.
    pub(crate) fn comment(mut self, kind: u8, text: &str) -> Self {
        let end = text.floor_char_boundary(COMMENT_MAX - 1);
        let text = text[..end].replace('\0', "");
        if !text.is_empty() {
            self.0.extend_from_slice(&[kind, text.len() as u8 + 1]);
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(0);
        }
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// User data that holds a comment alone.
pub(crate) fn comment(text: &str) -> Userdata {
    Userdata::default().comment(userdata::COMMENT, text)
}
