//! Netlink attributes: type, length, value, padded to four bytes.
//!
//! [`Writer`] appends them to a message under construction, [`Attributes`] reads those of an answer. Numbers are in network
//! byte order, as netfilter wants them. A nested attribute cannot exceed 64 KiB; the writer remembers that it
//! happened and the batch refuses to be sent.

use crate::kernel::{ATTRIBUTE_NESTED, ATTRIBUTE_TYPE_MASK};
use std::time::Duration;

/// Appends attributes to a buffer.
pub(crate) struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
    overflow: bool,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut Vec<u8>) -> Self {
        Self { buffer, overflow: false }
    }

    /// Whether an attribute was too long for its length field.
    pub(crate) fn overflowed(&self) -> bool {
        self.overflow
    }

    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let start = self.open(kind);
        self.buffer.extend_from_slice(value);
        self.close(start);
    }

    pub(crate) fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    pub(crate) fn u32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(crate) fn text(&mut self, kind: u16, value: &str) {
        let start = self.open(kind);
        self.buffer.extend_from_slice(value.as_bytes());
        self.buffer.push(0);
        self.close(start);
    }

    pub(crate) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Writer<'_>)) {
        let start = self.open(kind | ATTRIBUTE_NESTED);
        fill(self);
        self.close(start);
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0, 0]);
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn close(&mut self, start: usize) {
        let length = self.buffer.len() - start;
        self.overflow |= length > usize::from(u16::MAX);
        self.buffer[start..start + 2].copy_from_slice(&(length as u16).to_ne_bytes());
        let padded = self.buffer.len().next_multiple_of(4);
        self.buffer.resize(padded, 0);
    }
}

/// A time as the kernel wants it.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

/// The attributes of a message or of a nested attribute; ends quietly at the first malformed one.
#[derive(Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The first attribute of a kind.
    pub(crate) fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(k, _)| *k == kind).map(|(_, value)| value)
    }

    pub(crate) fn nested(self, kind: u16) -> Option<Attributes<'a>> {
        self.get(kind).map(Attributes)
    }

    pub(crate) fn u32(self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    pub(crate) fn u64(self, kind: u16) -> Option<u64> {
        Some(u64::from_be_bytes(self.get(kind)?.try_into().ok()?))
    }

    pub(crate) fn text(self, kind: u16) -> Option<&'a str> {
        let bytes = self.get(kind)?;
        std::str::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes)).ok()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (header, _) = self.0.split_at_checked(4)?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & ATTRIBUTE_TYPE_MASK;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_attributes_read_back() {
        let mut buffer = Vec::new();
        let mut writer = Writer::new(&mut buffer);
        writer.text(1, "abc");
        writer.nested(2, |w| {
            w.u32(1, 7);
            w.u64(2, 9);
        });
        assert_eq!(buffer.len() % 4, 0);
        let read = Attributes(&buffer);
        assert_eq!(read.text(1), Some("abc"));
        let inner = read.nested(2).unwrap();
        assert_eq!((inner.u32(1), inner.u64(2)), (Some(7), Some(9)));
    }

    #[test]
    fn a_nested_attribute_over_64_kib_is_noticed() {
        let mut buffer = Vec::new();
        let mut writer = Writer::new(&mut buffer);
        writer.nested(1, |w| w.bytes(1, &vec![0; 65_535]));
        assert!(writer.overflowed());
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Attributes(&bytes).map(|(_, v)| v.len()).sum::<usize>();
        }
    }
}
