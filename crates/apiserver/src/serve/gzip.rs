//! Compression of large answers, piece by piece.

use super::body::{BodyError, ResponseBody};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body, Frame};
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Smaller answers are sent as they are, as upstream does.
const MIN_SIZE: u64 = 128 << 10;
/// Compressed output is handed on in pieces of about this size.
const PIECE: usize = 32 << 10;

/// A body that is compressed while it is sent.
pub struct GzipBody {
    inner: ResponseBody,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

/// Compresses the body if the client takes that and it is large; sets the headers.
pub fn compress(request: &HeaderMap, response: &mut HeaderMap, body: ResponseBody) -> ResponseBody {
    let large = match &body {
        ResponseBody::Full(bytes) => bytes.as_ref().is_some_and(|b| b.len() as u64 > MIN_SIZE),
        ResponseBody::List(_) => body.size().is_none_or(|size| size > MIN_SIZE),
        ResponseBody::Stream(_) | ResponseBody::Passed(_) | ResponseBody::Gzip(_) => false,
    };
    if !large || !takes_gzip(request) {
        return body;
    }
    response.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let encoder = GzEncoder::new(Vec::with_capacity(PIECE), Compression::fast());
    ResponseBody::Gzip(Box::new(GzipBody { inner: body, encoder: Some(encoder) }))
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    codings.any(|coding| coding.split(';').next().unwrap_or("").trim() == "gzip")
}

impl Body for GzipBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let Some(encoder) = &mut this.encoder else { return Poll::Ready(None) };
        loop {
            match Pin::new(&mut this.inner).poll_frame(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    if let Err(error) = encoder.write_all(&data) {
                        return Poll::Ready(Some(Err(error.into())));
                    }
                    if encoder.get_ref().len() >= PIECE {
                        let piece = std::mem::replace(encoder.get_mut(), Vec::with_capacity(PIECE));
                        return Poll::Ready(Some(Ok(Frame::data(piece.into()))));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => {
                    let finished = this.encoder.take().map(GzEncoder::finish);
                    return Poll::Ready(
                        finished
                            .map(|result| result.map(|rest| Frame::data(rest.into())).map_err(Into::into)),
                    );
                }
            }
        }
    }
}
