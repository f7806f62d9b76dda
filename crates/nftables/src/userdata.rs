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

    pub(crate) fn u64(mut self, kind: u8, value: u64) -> Self {
        self.0.extend_from_slice(&[kind, 8]);
        self.0.extend_from_slice(&value.to_ne_bytes());
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

/// The number of a kind in user data that was read back.
pub(crate) fn read_u64(mut bytes: &[u8], wanted: u8) -> Option<u64> {
    loop {
        let (header, rest) = bytes.split_at_checked(2)?;
        let (value, rest) = rest.split_at_checked(usize::from(header[1]))?;
        if header[0] == wanted {
            return Some(u64::from_ne_bytes(value.try_into().ok()?));
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_behind_a_comment() {
        let written = comment("why").u64(userdata::RULE_DIGEST, 7);
        assert_eq!(read_u64(written.bytes(), userdata::RULE_DIGEST), Some(7));
        assert_eq!(read_u64(comment("why").bytes(), userdata::RULE_DIGEST), None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = read_u64(&bytes, userdata::RULE_DIGEST);
        }
    }
}
