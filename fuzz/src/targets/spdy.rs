//! SPDY frames with their compressed headers.

use crate::{Target, Verdict, law};
use bytes::{Bytes, BytesMut};
use skiff_streaming::spdy::{Frame, FrameCodec, Headers};
use tokio_util::codec::{Decoder, Encoder};

/// See [`Target`].
pub const TARGET: Target = Target {
    name: "spdy",
    seeds: &[
        b"\x80\x03\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01",
        b"\x80\x03\x00\x04\x00\x00\x00\x0c\x00\x00\x00\x01\x00\x00\x00\x07\x00\x01\x00\x00",
        b"\x80\x03\x00\x4d\x00\x00\x00\x03abc\x00\x00\x00\x03\x01\x00\x00\x05hello",
    ],
    made,
    run,
};

fn made() -> Vec<Vec<u8>> {
    let headers = Headers::new([("streamtype", "stdin"), ("port", "80"), ("requestid", "0")]);
    let open = |stream| Frame::SynStream {
        stream,
        associated: 0,
        priority: 3,
        fin: false,
        unidirectional: false,
        headers: headers.clone(),
    };
    let session = [
        open(1),
        open(3),
        Frame::SynReply { stream: 1, fin: false, headers: Headers::default() },
        Frame::Data { stream: 1, fin: false, payload: Bytes::from_static(b"some input") },
        Frame::Data { stream: 1, fin: true, payload: Bytes::new() },
        Frame::Headers { stream: 3, fin: true, headers: headers.clone() },
        Frame::WindowUpdate { stream: 0, delta: 65_536 },
        Frame::Reset { stream: 3, status: 5 },
        Frame::GoAway { last: 3, status: 0 },
    ];
    encode(&session).into_iter().collect()
}

fn run(input: &[u8]) -> Verdict {
    let frames = decode(input);
    let Some(bytes) = encode(&frames) else { return law::holds("what was decoded encodes", false) };
    law::same("decode(encode(x)) is x", &decode(&bytes), &frames)
}

/// The frames up to the first that is malformed.
fn decode(bytes: &[u8]) -> Vec<Frame> {
    let Ok(mut codec) = FrameCodec::new() else { return Vec::new() };
    let mut buffer = BytesMut::from(bytes);
    let mut frames = Vec::new();
    while let Ok(Some(frame)) = codec.decode(&mut buffer) {
        frames.push(frame);
    }
    frames
}

fn encode(frames: &[Frame]) -> Option<Vec<u8>> {
    let mut codec = FrameCodec::new().ok()?;
    let mut buffer = BytesMut::new();
    for frame in frames {
        codec.encode(frame.clone(), &mut buffer).ok()?;
    }
    Some(buffer.to_vec())
}
