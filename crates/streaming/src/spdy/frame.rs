//! SPDY/3.1 frames as a codec over bytes.
//!
//! Data frames may be 16 MiB: their payload is handed on in pieces as it arrives, with the end mark on the last piece only.
//! Control frames are bounded; unknown kinds are skipped, as the draft asks.

use crate::spdy::SpdyError;
use crate::spdy::headers::{Deflater, Headers, Inflater};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

/// A stream's number.
pub type StreamId = u32;

/// Bytes of a control frame after its header.
const MAX_CONTROL: usize = 64 << 10;
/// Bytes of a piece of data.
const MAX_PIECE: usize = 32 << 10;
/// Settings in a frame.
const MAX_SETTINGS: usize = 256;
const HEADER: usize = 8;
const VERSION: u16 = 3;
const CONTROL: u16 = 0x8000;
const STREAM_MASK: u32 = 0x7fff_ffff;
const FIN: u8 = 0x01;
const UNIDIRECTIONAL: u8 = 0x02;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const SETTINGS: u16 = 4;
const PING: u16 = 6;
const GOAWAY: u16 = 7;
const HEADERS: u16 = 8;
const WINDOW_UPDATE: u16 = 9;

/// A frame, or a piece of a data frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Opens a stream.
    SynStream {
        /// The new stream.
        stream: StreamId,
        /// The stream it belongs to; 0 for none.
        associated: StreamId,
        /// 0 (highest) to 7.
        priority: u8,
        /// The opener sends nothing more.
        fin: bool,
        /// The opener wants no answer.
        unidirectional: bool,
        /// What the stream is for.
        headers: Headers,
    },
    /// Accepts a stream.
    SynReply {
        /// The stream.
        stream: StreamId,
        /// The accepter sends nothing more.
        fin: bool,
        /// Headers of the answer.
        headers: Headers,
    },
    /// Ends a stream both ways at once.
    Reset {
        /// The stream.
        stream: StreamId,
        /// Why.
        status: u32,
    },
    /// Parameters of the connection: identifier with flags in the upper byte, and value.
    Settings(Vec<(u32, u32)>),
    /// Asks for the same back; odd from clients, even from servers.
    Ping(u32),
    /// No new streams.
    GoAway {
        /// The last stream taken.
        last: StreamId,
        /// Why.
        status: u32,
    },
    /// More headers of a stream.
    Headers {
        /// The stream.
        stream: StreamId,
        /// The sender sends nothing more.
        fin: bool,
        /// The headers.
        headers: Headers,
    },
    /// Room for more data.
    WindowUpdate {
        /// The stream; 0 for the connection.
        stream: StreamId,
        /// Bytes.
        delta: u32,
    },
    /// Data of a stream.
    Data {
        /// The stream.
        stream: StreamId,
        /// The sender sends nothing more.
        fin: bool,
        /// The bytes.
        payload: Bytes,
    },
}

/// Both directions of a connection's frames.
#[derive(Debug)]
pub struct FrameCodec {
    deflater: Deflater,
    inflater: Inflater,
    partial: Option<PartialData>,
}

/// A data frame whose payload is still arriving.
#[derive(Debug, Clone, Copy)]
struct PartialData {
    stream: StreamId,
    fin: bool,
    left: usize,
}

impl FrameCodec {
    /// At the start of a connection.
    pub fn new() -> Result<Self, SpdyError> {
        Ok(Self { deflater: Deflater::new()?, inflater: Inflater::default(), partial: None })
    }

    fn piece(&mut self, mut data: PartialData, bytes: &mut BytesMut) -> Option<Frame> {
        if bytes.is_empty() && data.left > 0 {
            self.partial = Some(data);
            return None;
        }
        let payload = bytes.split_to(bytes.len().min(data.left).min(MAX_PIECE)).freeze();
        data.left -= payload.len();
        let last = data.left == 0;
        self.partial = (!last).then_some(data);
        Some(Frame::Data { stream: data.stream, fin: last && data.fin, payload })
    }

    fn control(&mut self, kind: u16, flags: u8, mut payload: Bytes) -> Result<Option<Frame>, SpdyError> {
        let fin = flags & FIN != 0;
        Ok(Some(match kind {
            SYN_STREAM => {
                let (stream, associated) =
                    (take_stream(&mut payload)?, take_u32(&mut payload)? & STREAM_MASK);
                let priority = take_u16(&mut payload)? >> 13;
                let headers = self.inflater.decode(&payload)?;
                let unidirectional = flags & UNIDIRECTIONAL != 0;
                Frame::SynStream {
                    stream,
                    associated,
                    priority: priority as u8,
                    fin,
                    unidirectional,
                    headers,
                }
            }
            SYN_REPLY => {
                let stream = take_stream(&mut payload)?;
                Frame::SynReply { stream, fin, headers: self.inflater.decode(&payload)? }
            }
            HEADERS => {
                let stream = take_stream(&mut payload)?;
                Frame::Headers { stream, fin, headers: self.inflater.decode(&payload)? }
            }
            RST_STREAM => {
                Frame::Reset { stream: take_stream(&mut payload)?, status: take_u32(&mut payload)? }
            }
            PING => Frame::Ping(take_u32(&mut payload)?),
            GOAWAY => Frame::GoAway {
                last: take_u32(&mut payload)? & STREAM_MASK,
                // Absent in SPDY/2, which some peers still write.
                status: take_u32(&mut payload).unwrap_or(0),
            },
            WINDOW_UPDATE => Frame::WindowUpdate {
                stream: take_u32(&mut payload)? & STREAM_MASK,
                delta: take_u32(&mut payload)? & STREAM_MASK,
            },
            SETTINGS => {
                let count = take_u32(&mut payload)? as usize;
                if count > MAX_SETTINGS {
                    return Err(SpdyError::BadFrame);
                }
                let mut settings = Vec::with_capacity(count);
                for _ in 0..count {
                    settings.push((take_u32(&mut payload)?, take_u32(&mut payload)?));
                }
                Frame::Settings(settings)
            }
            _ => return Ok(None),
        }))
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = SpdyError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Frame>, SpdyError> {
        if let Some(data) = self.partial.take() {
            return Ok(self.piece(data, bytes));
        }
        loop {
            if bytes.len() < HEADER {
                return Ok(None);
            }
            let mut header = &bytes[..HEADER];
            let (first, second) = (header.get_u32(), header.get_u32());
            let (flags, length) = ((second >> 24) as u8, (second & 0x00ff_ffff) as usize);
            let version = (first >> 16) as u16;
            if version & CONTROL == 0 {
                if first == 0 {
                    return Err(SpdyError::BadFrame);
                }
                bytes.advance(HEADER);
                return Ok(
                    self.piece(PartialData { stream: first, fin: flags & FIN != 0, left: length }, bytes)
                );
            }
            if version & !CONTROL != VERSION {
                return Err(SpdyError::Version(version & !CONTROL));
            }
            if length > MAX_CONTROL {
                return Err(SpdyError::FrameTooLarge);
            }
            if bytes.len() < HEADER + length {
                bytes.reserve(HEADER + length - bytes.len());
                return Ok(None);
            }
            bytes.advance(HEADER);
            let payload = bytes.split_to(length).freeze();
            if let Some(frame) = self.control(first as u16, flags, payload)? {
                return Ok(Some(frame));
            }
        }
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = SpdyError;

    fn encode(&mut self, frame: Frame, into: &mut BytesMut) -> Result<(), SpdyError> {
        match frame {
            Frame::Data { stream, fin, payload } => {
                into.reserve(HEADER + payload.len());
                into.put_u32(stream & STREAM_MASK);
                put_length(into, flag(fin, FIN), payload.len())?;
                into.put_slice(&payload);
            }
            Frame::SynStream { stream, associated, priority, fin, unidirectional, headers } => {
                let block = self.deflater.encode(&headers)?;
                put_control(
                    into,
                    SYN_STREAM,
                    flag(fin, FIN) | flag(unidirectional, UNIDIRECTIONAL),
                    10 + block.len(),
                )?;
                into.put_u32(stream);
                into.put_u32(associated);
                into.put_u16(u16::from(priority & 7) << 13);
                into.put_slice(&block);
            }
            Frame::SynReply { stream, fin, headers } => {
                let block = self.deflater.encode(&headers)?;
                put_control(into, SYN_REPLY, flag(fin, FIN), 4 + block.len())?;
                into.put_u32(stream);
                into.put_slice(&block);
            }
            Frame::Headers { stream, fin, headers } => {
                let block = self.deflater.encode(&headers)?;
                put_control(into, HEADERS, flag(fin, FIN), 4 + block.len())?;
                into.put_u32(stream);
                into.put_slice(&block);
            }
            Frame::Reset { stream, status } => put_numbers(into, RST_STREAM, &[stream, status])?,
            Frame::Ping(id) => put_numbers(into, PING, &[id])?,
            Frame::GoAway { last, status } => put_numbers(into, GOAWAY, &[last, status])?,
            Frame::WindowUpdate { stream, delta } => put_numbers(into, WINDOW_UPDATE, &[stream, delta])?,
            Frame::Settings(settings) => {
                put_control(into, SETTINGS, 0, 4 + 8 * settings.len())?;
                into.put_u32(settings.len() as u32);
                for (id, value) in settings {
                    into.put_u32(id);
                    into.put_u32(value);
                }
            }
        }
        Ok(())
    }
}

fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

fn put_length(into: &mut BytesMut, flags: u8, length: usize) -> Result<(), SpdyError> {
    if length >= 1 << 24 {
        return Err(SpdyError::FrameTooLarge);
    }
    into.put_u32(u32::from(flags) << 24 | length as u32);
    Ok(())
}

fn put_control(into: &mut BytesMut, kind: u16, flags: u8, length: usize) -> Result<(), SpdyError> {
    into.put_u16(CONTROL | VERSION);
    into.put_u16(kind);
    put_length(into, flags, length)
}

fn put_numbers(into: &mut BytesMut, kind: u16, numbers: &[u32]) -> Result<(), SpdyError> {
    put_control(into, kind, 0, 4 * numbers.len())?;
    numbers.iter().for_each(|number| into.put_u32(*number));
    Ok(())
}

fn take_u16(from: &mut Bytes) -> Result<u16, SpdyError> {
    from.try_get_u16().map_err(|_| SpdyError::BadFrame)
}

fn take_u32(from: &mut Bytes) -> Result<u32, SpdyError> {
    from.try_get_u32().map_err(|_| SpdyError::BadFrame)
}

fn take_stream(from: &mut Bytes) -> Result<StreamId, SpdyError> {
    match take_u32(from)? & STREAM_MASK {
        0 => Err(SpdyError::BadFrame),
        stream => Ok(stream),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers() -> impl Strategy<Value = Headers> {
        prop_oneof![
            Just(Headers::default()),
            "[a-z]{1,9}".prop_map(|value| Headers::new([("streamtype", "stdin"), ("port", &value)])),
        ]
    }

    fn frame() -> impl Strategy<Value = Frame> {
        let id = 1_u32..=STREAM_MASK;
        prop_oneof![
            (id.clone(), 0..=STREAM_MASK, 0_u8..8, any::<bool>(), any::<bool>(), headers()).prop_map(
                |(stream, associated, priority, fin, unidirectional, headers)| Frame::SynStream {
                    stream,
                    associated,
                    priority,
                    fin,
                    unidirectional,
                    headers
                }
            ),
            (id.clone(), any::<bool>(), headers()).prop_map(|(stream, fin, headers)| Frame::SynReply {
                stream,
                fin,
                headers
            }),
            (id.clone(), any::<bool>(), headers()).prop_map(|(stream, fin, headers)| Frame::Headers {
                stream,
                fin,
                headers
            }),
            (id.clone(), any::<u32>()).prop_map(|(stream, status)| Frame::Reset { stream, status }),
            any::<u32>().prop_map(Frame::Ping),
            (0..=STREAM_MASK, any::<u32>()).prop_map(|(last, status)| Frame::GoAway { last, status }),
            (0..=STREAM_MASK, 0..=STREAM_MASK)
                .prop_map(|(stream, delta)| Frame::WindowUpdate { stream, delta }),
            prop::collection::vec((any::<u32>(), any::<u32>()), 0..9).prop_map(Frame::Settings),
            (id, any::<bool>(), prop::collection::vec(any::<u8>(), 0..3_000))
                .prop_map(|(stream, fin, payload)| Frame::Data { stream, fin, payload: payload.into() }),
        ]
    }

    /// Puts the pieces of data frames together again.
    #[derive(Default)]
    struct Collector {
        frames: Vec<Frame>,
        unfinished: bool,
    }

    impl Collector {
        fn drain(&mut self, codec: &mut FrameCodec, bytes: &mut BytesMut) {
            while let Some(frame) = codec.decode(bytes).unwrap() {
                match (self.frames.last_mut(), frame) {
                    (Some(Frame::Data { fin, payload, .. }), Frame::Data { fin: end, payload: more, .. })
                        if self.unfinished =>
                    {
                        *payload = [&payload[..], &more[..]].concat().into();
                        *fin = end;
                    }
                    (_, frame) => self.frames.push(frame),
                }
                self.unfinished = codec.partial.is_some();
            }
        }
    }

    proptest! {
        #[test]
        fn frames_read_back_however_the_network_cuts_them(
            frames in prop::collection::vec(frame(), 1..12),
            cut in 1_usize..600,
        ) {
            let (mut ours, mut theirs) = (FrameCodec::new().unwrap(), FrameCodec::new().unwrap());
            let mut wire = BytesMut::new();
            for frame in &frames {
                ours.encode(frame.clone(), &mut wire).unwrap();
            }
            let (mut seen, mut buffer) = (Collector::default(), BytesMut::new());
            for piece in wire.chunks(cut) {
                buffer.extend_from_slice(piece);
                seen.drain(&mut theirs, &mut buffer);
            }
            prop_assert_eq!(seen.frames, frames);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..4_000)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            let mut codec = FrameCodec::new().unwrap();
            while let Ok(Some(_)) = codec.decode(&mut buffer) {}
        }

        #[test]
        fn any_control_frame_is_read_or_refused(
            kind in 0_u16..12,
            flags in any::<u8>(),
            payload in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut buffer = BytesMut::new();
            put_control(&mut buffer, kind, flags, payload.len()).unwrap();
            buffer.put_slice(&payload);
            let mut codec = FrameCodec::new().unwrap();
            while let Ok(Some(_)) = codec.decode(&mut buffer) {}
        }
    }

    #[test]
    fn an_unknown_control_frame_is_skipped() {
        let mut wire = BytesMut::new();
        put_control(&mut wire, 77, 0, 3).unwrap();
        wire.put_slice(b"abc");
        let mut codec = FrameCodec::new().unwrap();
        codec.encode(Frame::Ping(1), &mut wire).unwrap();
        assert_eq!(codec.decode(&mut wire).unwrap(), Some(Frame::Ping(1)));
    }

    #[test]
    fn a_huge_control_frame_is_refused_before_it_arrives() {
        let mut wire = BytesMut::new();
        put_control(&mut wire, SYN_STREAM, 0, 1 << 20).unwrap();
        let refused = FrameCodec::new().unwrap().decode(&mut wire);
        assert!(matches!(refused, Err(SpdyError::FrameTooLarge)), "{refused:?}");
    }
}
