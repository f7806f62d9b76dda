//! Header blocks: name and value pairs, compressed with one zlib stream per direction and connection.
//!
//! A damaged or oversized block is an error of the whole connection: the stream of blocks cannot be read any further.

use crate::spdy::SpdyError;
use crate::spdy::dictionary::DICTIONARY;
use bytes::{Buf, BufMut};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Bytes of a block after decompression.
const MAX_BLOCK: usize = 64 << 10;
/// Pairs in a block.
const MAX_PAIRS: usize = 256;
const STEP: usize = 4 << 10;

/// Headers of a stream, in order; names are lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Headers from pairs.
    pub fn new<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).to_vec())
    }

    /// The value of a name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Compresses the blocks of one direction.
#[derive(Debug)]
pub struct Deflater(Compress);

impl Deflater {
    /// At the start of a connection.
    pub fn new() -> Result<Self, SpdyError> {
        let mut zlib = Compress::new(Compression::default(), true);
        zlib.set_dictionary(&DICTIONARY).map_err(|_| SpdyError::Compression)?;
        Ok(Self(zlib))
    }

    /// The next block.
    pub fn encode(&mut self, headers: &Headers) -> Result<Vec<u8>, SpdyError> {
        let mut plain = Vec::new();
        put_number(&mut plain, headers.0.len())?;
        for (name, value) in &headers.0 {
            put_number(&mut plain, name.len())?;
            plain.put_slice(name.as_bytes());
            put_number(&mut plain, value.len())?;
            plain.put_slice(value.as_bytes());
        }
        let mut block = Vec::with_capacity(plain.len() + 64);
        let start = self.0.total_in();
        loop {
            let taken = (self.0.total_in() - start) as usize;
            let full = block.len() == block.capacity();
            if full {
                block.reserve(STEP);
            }
            self.0
                .compress_vec(&plain[taken..], &mut block, FlushCompress::Sync)
                .map_err(|_| SpdyError::Compression)?;
            let taken = (self.0.total_in() - start) as usize;
            // A flush is complete when it leaves room.
            if taken == plain.len() && block.len() < block.capacity() {
                return Ok(block);
            }
        }
    }
}

/// Decompresses the blocks of one direction.
#[derive(Debug)]
pub struct Inflater(Decompress);

impl Default for Inflater {
    /// At the start of a connection.
    fn default() -> Self {
        Self(Decompress::new(true))
    }
}

impl Inflater {
    /// Reads the next block.
    pub fn decode(&mut self, block: &[u8]) -> Result<Headers, SpdyError> {
        let plain = self.inflate(block)?;
        let mut rest = plain.as_slice();
        let count = take_number(&mut rest)?;
        if count > MAX_PAIRS {
            return Err(SpdyError::TooManyHeaders);
        }
        let mut pairs = Vec::with_capacity(count);
        for _ in 0..count {
            pairs.push((take_text(&mut rest)?, take_text(&mut rest)?));
        }
        Ok(Headers(pairs))
    }

    fn inflate(&mut self, block: &[u8]) -> Result<Vec<u8>, SpdyError> {
        let mut plain = Vec::with_capacity(STEP);
        let mut rest = block;
        loop {
            if plain.len() > MAX_BLOCK {
                return Err(SpdyError::TooManyHeaders);
            }
            if plain.len() == plain.capacity() {
                plain.reserve(STEP);
            }
            let (taken, made) = (self.0.total_in(), plain.len());
            match self.0.decompress_vec(rest, &mut plain, FlushDecompress::Sync) {
                Ok(Status::StreamEnd) => return Ok(plain),
                Ok(_) => {}
                Err(error) if error.needs_dictionary().is_some() => {
                    self.0.set_dictionary(&DICTIONARY).map_err(|_| SpdyError::Compression)?;
                }
                Err(_) => return Err(SpdyError::Compression),
            }
            let taken = (self.0.total_in() - taken) as usize;
            rest = rest.get(taken..).unwrap_or_default();
            let stuck = taken == 0 && plain.len() == made;
            if rest.is_empty() && (stuck || plain.len() < plain.capacity()) {
                return Ok(plain);
            }
            if stuck && plain.len() < plain.capacity() {
                return Err(SpdyError::Compression);
            }
        }
    }
}

fn put_number(into: &mut Vec<u8>, number: usize) -> Result<(), SpdyError> {
    into.put_u32(u32::try_from(number).map_err(|_| SpdyError::TooManyHeaders)?);
    Ok(())
}

fn take_number(from: &mut &[u8]) -> Result<usize, SpdyError> {
    if from.len() < 4 {
        return Err(SpdyError::BadHeaders);
    }
    Ok(from.get_u32() as usize)
}

fn take_text(from: &mut &[u8]) -> Result<String, SpdyError> {
    let length = take_number(from)?;
    let bytes = from.get(..length).ok_or(SpdyError::BadHeaders)?.to_vec();
    from.advance(length);
    String::from_utf8(bytes).map_err(|_| SpdyError::BadHeaders)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_of_a_connection_read_back(
            blocks in prop::collection::vec(prop::collection::vec(("[a-z-]{1,20}", "[ -~]{0,300}"), 0..20), 1..6)
        ) {
            let (mut deflater, mut inflater) = (Deflater::new().unwrap(), Inflater::default());
            for pairs in blocks {
                let block = deflater.encode(&Headers(pairs.clone())).unwrap();
                prop_assert_eq!(inflater.decode(&block).unwrap(), Headers(pairs));
            }
        }

        #[test]
        fn any_block_is_read_or_refused(block in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = Inflater::default().decode(&block);
        }

        #[test]
        fn any_damage_to_a_block_is_read_or_refused(at in 0_usize..60, bits in 1_u8..) {
            let mut block = Deflater::new().unwrap().encode(&Headers::new([("streamtype", "stdout"), ("port", "80")])).unwrap();
            let at = at % block.len();
            block[at] ^= bits;
            let _ = Inflater::default().decode(&block);
        }
    }

    #[test]
    fn a_block_that_grows_without_end_is_refused() {
        let huge = "x".repeat(1 << 20);
        let block = Deflater::new().unwrap().encode(&Headers::new([("a", &huge)])).unwrap();
        assert!(block.len() < 4_000);
        assert!(matches!(Inflater::default().decode(&block), Err(SpdyError::TooManyHeaders)));
    }
}
