//! Breaks inputs: bits, bytes, ranges, numbers, words, and parts of other inputs in the wrong place.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::ops::Range;

/// Longest input that is made.
pub const MAX_INPUT: usize = 64 << 10;
/// Most changes of one input.
const MAX_CHANGES: usize = 8;
/// Longest range that is moved, removed or repeated, but now and then.
const RANGE: usize = 48;
/// Longest word of the dictionary.
const WORD: usize = 48;

/// Numbers at which lengths, counts and times go wrong.
const NUMBERS: [i64; 22] = [
    0,
    1,
    -1,
    7,
    8,
    16,
    63,
    64,
    127,
    128,
    255,
    256,
    511,
    512,
    32_767,
    65_535,
    65_536,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64,
    i64::MAX,
    i64::MIN,
];

/// Texts that mean something to one decoder or another and are in few seeds.
const WORDS: [&str; 24] = [
    "null",
    "true",
    "-0",
    "1e309",
    "1e-309",
    "0.1",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\r\n",
    "\u{2028}",
    "\u{85}",
    "{}",
    "[]",
    "[[[[",
    "{\"a\":",
    "<<: *a",
    "&a",
    "!!binary",
    "|+\n",
    "..",
    "../..",
    "~1",
    "9223372036854775808",
];

/// Makes broken inputs out of others; the same seed makes the same ones.
pub struct Mutator {
    random: StdRng,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// With the words of the seeds as its dictionary.
    pub fn new(seed: u64, seeds: &[Vec<u8>]) -> Self {
        let mut words: Vec<Vec<u8>> = WORDS.iter().map(|word| word.as_bytes().to_vec()).collect();
        words.extend(seeds.iter().flat_map(|seed| {
            word_ranges(seed).into_iter().filter_map(|range| seed.get(range)).map(<[u8]>::to_vec)
        }));
        words.sort_unstable();
        words.dedup();
        Self { random: StdRng::seed_from_u64(seed), words }
    }

    /// A broken version of one of the inputs.
    pub fn next(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = self.pick(inputs).cloned().unwrap_or_default();
        // Few changes mostly: an input that is all wrong is refused at its first byte.
        let changes =
            self.random.random_range(1..=MAX_CHANGES).min(self.random.random_range(1..=MAX_CHANGES));
        for _ in 0..changes {
            self.change(&mut bytes, inputs);
            bytes.truncate(MAX_INPUT);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        match self.random.random_range(0..14) {
            0 => self.flip(bytes),
            1 => self.set(bytes),
            2 => self.insert_random(bytes),
            3 | 4 => self.remove(bytes),
            5 => self.repeat(bytes),
            6 => self.copy(bytes),
            7 => self.splice(bytes, inputs),
            8 => self.put_number(bytes),
            9 | 10 => self.replace_digits(bytes),
            11 => self.insert_word(bytes),
            _ => self.replace_word(bytes),
        }
    }

    fn flip(&mut self, bytes: &mut [u8]) {
        let bit = self.random.random_range(0..8);
        if let Some(byte) = self.place(bytes.len()).and_then(|at| bytes.get_mut(at)) {
            *byte ^= 1 << bit;
        }
    }

    fn set(&mut self, bytes: &mut [u8]) {
        let value = self.random.random();
        if let Some(byte) = self.place(bytes.len()).and_then(|at| bytes.get_mut(at)) {
            *byte = value;
        }
    }

    fn insert_random(&mut self, bytes: &mut Vec<u8>) {
        let count = self.random.random_range(1..9);
        let new: Vec<u8> = (0..count).map(|_| self.random.random()).collect();
        self.insert(bytes, new);
    }

    fn remove(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes.len());
        bytes.drain(range);
    }

    fn repeat(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes.len());
        let most = if self.random.random_bool(0.1) { 1_000 } else { 8 };
        let times = self.random.random_range(1..=most);
        let piece = bytes.get(range.clone()).unwrap_or_default();
        let new: Vec<u8> = piece.iter().copied().cycle().take(piece.len() * times).take(MAX_INPUT).collect();
        let at = range.end;
        bytes.splice(at..at, new);
    }

    fn copy(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes.len());
        let piece = bytes.get(range).unwrap_or_default().to_vec();
        self.insert(bytes, piece);
    }

    /// The beginning of this input and the end of another.
    fn splice(&mut self, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
        let Some(other) = self.pick(inputs) else { return };
        let end = other.get(self.random.random_range(0..=other.len())..).unwrap_or_default();
        bytes.truncate(self.random.random_range(0..=bytes.len()));
        bytes.extend_from_slice(end);
    }

    /// A binary number of one to eight bytes over what is there, in either order.
    fn put_number(&mut self, bytes: &mut [u8]) {
        let number = self.number();
        let width = [1, 2, 4, 8][self.random.random_range(0..4)];
        let mut new = number.to_le_bytes()[..width].to_vec();
        if self.random.random() {
            new.reverse();
        }
        let Some(at) = self.place(bytes.len()) else { return };
        for (byte, new) in bytes.iter_mut().skip(at).zip(new) {
            *byte = new;
        }
    }

    /// A decimal number where one is written.
    fn replace_digits(&mut self, bytes: &mut Vec<u8>) {
        let number = self.number().to_string();
        let places = runs(bytes, |byte| byte.is_ascii_digit());
        match self.pick(&places).cloned() {
            Some(range) => drop(bytes.splice(range, number.into_bytes())),
            None => self.insert(bytes, number.into_bytes()),
        }
    }

    fn insert_word(&mut self, bytes: &mut Vec<u8>) {
        let word = self.word();
        self.insert(bytes, word);
    }

    fn replace_word(&mut self, bytes: &mut Vec<u8>) {
        let word = self.word();
        let places = word_ranges(bytes);
        match self.pick(&places).cloned() {
            Some(range) => drop(bytes.splice(range, word)),
            None => self.insert(bytes, word),
        }
    }

    fn insert(&mut self, bytes: &mut Vec<u8>, new: Vec<u8>) {
        let at = self.random.random_range(0..=bytes.len());
        bytes.splice(at..at, new);
    }

    fn number(&mut self) -> i64 {
        let near = self.random.random_range(-1..=1);
        NUMBERS[self.random.random_range(0..NUMBERS.len())].wrapping_add(near)
    }

    fn word(&mut self) -> Vec<u8> {
        let at = self.random.random_range(0..self.words.len().max(1));
        self.words.get(at).cloned().unwrap_or_default()
    }

    /// A place in so many bytes, if there are any.
    fn place(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.random.random_range(0..length))
    }

    fn range(&mut self, length: usize) -> Range<usize> {
        let Some(start) = self.place(length) else { return 0..0 };
        let most = if self.random.random_bool(0.1) { length - start } else { RANGE.min(length - start) };
        start..start + self.random.random_range(1..=most.max(1))
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let at = self.place(from.len())?;
        from.get(at)
    }
}

/// Where words are: what a decoder may know the meaning of.
fn word_ranges(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut words =
        runs(bytes, |byte| byte.is_ascii_alphanumeric() || matches!(*byte, b'$' | b'_' | b'-' | b'.' | b'/'));
    words.retain(|range| (2..=WORD).contains(&range.len()));
    words
}

/// The longest ranges of bytes that are all wanted.
fn runs(bytes: &[u8], wanted: impl Fn(&u8) -> bool) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (wanted(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                out.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    out.extend(start.map(|from| from..bytes.len()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(seed: u64) -> Vec<Vec<u8>> {
        let seeds = [b"{\"name\": 12}".to_vec(), Vec::new(), vec![0; 300]];
        let mut mutator = Mutator::new(seed, &seeds);
        (0..500).map(|_| mutator.next(&seeds)).collect()
    }

    #[test]
    fn a_seed_decides_all_inputs() {
        assert_eq!(inputs(7), inputs(7));
        assert_ne!(inputs(7), inputs(8));
    }

    #[test]
    fn inputs_are_bounded() {
        assert!(inputs(1).iter().all(|input| input.len() <= MAX_INPUT));
    }

    #[test]
    fn words_are_found_with_their_places() {
        assert_eq!(word_ranges(b"{\"name\": 12}"), [2..6, 9..11]);
    }
}
