//! Terminal sizes: JSON objects one after the other on a stream.

use crate::streams::{Reader, TerminalSize};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// Bytes of an object that is not complete yet.
const MAX_PENDING: usize = 4 << 10;

/// Upstream writes Go's field names; serde is told the same.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Size {
    #[serde(default)]
    width: u16,
    #[serde(default)]
    height: u16,
}

/// Hands on sizes until the client ends the stream or writes something else.
pub(super) async fn forward(mut from: Reader, to: mpsc::Sender<TerminalSize>) {
    let mut pending = Vec::new();
    let mut piece = [0; 512];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        pending.extend_from_slice(&piece[..length]);
        let Some(sizes) = drain(&mut pending) else { return };
        for size in sizes {
            if to.send(size).await.is_err() {
                return;
            }
        }
    }
}

/// Takes complete objects from the front; `None` if what is there is no beginning of one.
fn drain(pending: &mut Vec<u8>) -> Option<Vec<TerminalSize>> {
    let mut objects = serde_json::Deserializer::from_slice(pending).into_iter::<Size>();
    let mut sizes = Vec::new();
    loop {
        match objects.next() {
            Some(Ok(Size { width, height })) => sizes.push(TerminalSize { width, height }),
            Some(Err(error)) if !error.is_eof() => return None,
            _ => break,
        }
    }
    let taken = objects.byte_offset();
    pending.drain(..taken);
    (pending.len() <= MAX_PENDING).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_however_they_are_cut() {
        let wire = b"{\"Width\":80,\"Height\":24}\n{\"Width\":132,\"Height\":43}{\"Width\":1,\"Height\":2}\n";
        for cut in 1..wire.len() {
            let (mut pending, mut seen) = (Vec::new(), Vec::new());
            for piece in wire.chunks(cut) {
                pending.extend_from_slice(piece);
                seen.extend(drain(&mut pending).unwrap());
            }
            let seen: Vec<_> = seen.iter().map(|size| (size.width, size.height)).collect();
            assert_eq!(seen, [(80, 24), (132, 43), (1, 2)], "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_a_size_ends_the_stream() {
        assert_eq!(drain(&mut b"hello".to_vec()), None);
        assert_eq!(drain(&mut [b"{\"Width\":\"", [b'x'; MAX_PENDING].as_slice()].concat()), None);
    }
}
