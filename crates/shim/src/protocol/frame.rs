//! Frames on the shim's socket: a little-endian `u32` length, then that many bytes of JSON.
//!
//! Descriptors travel as ancillary data of the frame's first byte; both sides collect them in order of arrival.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// No frame is longer.
pub const MAX: usize = 4 << 20;

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length field is too big.
    #[error("frame of {0} bytes is longer than {MAX}")]
    TooLong(usize),
    /// The content is not what it should be.
    #[error("malformed frame: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// A message as a frame.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    if length > MAX {
        return Err(FrameError::TooLong(length));
    }
    // MAX fits in u32.
    bytes[..4].copy_from_slice(&(length as u32).to_le_bytes());
    Ok(bytes)
}

/// Takes the first frame out of `buffer`, if it is whole.
pub fn decode<T: DeserializeOwned>(buffer: &mut Vec<u8>) -> Result<Option<T>, FrameError> {
    let Some(header) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*header) as usize;
    if length > MAX {
        return Err(FrameError::TooLong(length));
    }
    if buffer.len() < 4 + length {
        return Ok(None);
    }
    let message = serde_json::from_slice(&buffer[4..4 + length])?;
    buffer.drain(..4 + length);
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::super::{Call, Request};
    use super::*;

    #[test]
    fn a_frame_survives_arriving_byte_by_byte() {
        let bytes = encode(&Request::new(Call::Watch)).unwrap();
        let mut buffer = Vec::new();
        for byte in &bytes[..bytes.len() - 1] {
            buffer.push(*byte);
            assert!(decode::<Request>(&mut buffer).unwrap().is_none());
        }
        buffer.push(bytes[bytes.len() - 1]);
        assert!(matches!(decode::<Request>(&mut buffer).unwrap().unwrap().call, Call::Watch));
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused() {
        let mut buffer = u32::MAX.to_le_bytes().to_vec();
        assert!(matches!(decode::<Request>(&mut buffer), Err(FrameError::TooLong(_))));
    }
}
