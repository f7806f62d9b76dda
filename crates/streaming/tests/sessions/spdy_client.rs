//! A SPDY client as kubectl's library behaves: it opens streams, sends data without windows, and collects what comes.

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use skiff_streaming::spdy::{Frame, FrameCodec, Headers};
use std::collections::BTreeMap;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf};
use tokio_util::codec::{FramedRead, FramedWrite};

pub struct SpdyClient<IO = DuplexStream> {
    reader: FramedRead<ReadHalf<IO>, FrameCodec>,
    writer: FramedWrite<WriteHalf<IO>, FrameCodec>,
    next: u32,
    /// What came on each stream, and whether it ended.
    pub received: BTreeMap<u32, (Vec<u8>, bool)>,
    pub replies: Vec<u32>,
    pub resets: Vec<u32>,
    pub pongs: Vec<u32>,
    pub gone_away: bool,
}

impl<IO: tokio::io::AsyncRead + tokio::io::AsyncWrite> SpdyClient<IO> {
    pub fn new(io: IO) -> Self {
        let (read, write) = tokio::io::split(io);
        Self {
            reader: FramedRead::new(read, FrameCodec::new().unwrap()),
            writer: FramedWrite::new(write, FrameCodec::new().unwrap()),
            next: 1,
            received: BTreeMap::new(),
            replies: Vec::new(),
            resets: Vec::new(),
            pongs: Vec::new(),
            gone_away: false,
        }
    }

    pub async fn open<const N: usize>(&mut self, headers: [(&str, &str); N]) -> u32 {
        let stream = self.next;
        self.next += 2;
        let headers = Headers::new(headers);
        let frame = Frame::SynStream {
            stream,
            associated: 0,
            priority: 0,
            fin: false,
            unidirectional: false,
            headers,
        };
        self.send(frame).await;
        stream
    }

    pub async fn data(&mut self, stream: u32, payload: &[u8]) {
        self.send(Frame::Data { stream, fin: false, payload: Bytes::copy_from_slice(payload) }).await;
    }

    pub async fn end(&mut self, stream: u32) {
        self.send(Frame::Data { stream, fin: true, payload: Bytes::new() }).await;
    }

    pub async fn send(&mut self, frame: Frame) {
        self.writer.send(frame).await.unwrap();
    }

    /// Reads until the condition holds.
    pub async fn until(&mut self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            match self.reader.next().await.expect("the server goes on").unwrap() {
                Frame::Data { stream, fin, payload } => {
                    let (bytes, ended) = self.received.entry(stream).or_default();
                    assert!(!*ended, "data after the end of {stream}");
                    bytes.extend_from_slice(&payload);
                    *ended = fin;
                }
                Frame::SynReply { stream, .. } => self.replies.push(stream),
                Frame::Reset { stream, .. } => self.resets.push(stream),
                Frame::Ping(id) => self.pongs.push(id),
                Frame::GoAway { .. } => self.gone_away = true,
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn until_ended(&mut self, stream: u32) -> String {
        self.until(|client| client.received.get(&stream).is_some_and(|(_, ended)| *ended)).await;
        self.text(stream)
    }

    pub fn text(&self, stream: u32) -> String {
        self.received
            .get(&stream)
            .map(|(bytes, _)| String::from_utf8(bytes.clone()).unwrap())
            .unwrap_or_default()
    }
}
