//! Reading lines of which none may be too long.
//!
//! *In:* bytes. *Out:* one line after the other, or the news that one is too long. Of such a line nothing is kept: it
//! is reported as soon as the limit is passed, and thrown away up to its end, which may be as far off as it likes.

use std::io::{self, BufRead};

/// One line of the input, or what became of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes, without the newline.
    Whole(&'a [u8]),
    /// It is longer than the limit.
    TooLong,
}

/// Lines with their numbers.
pub(crate) struct Lines<R> {
    input: R,
    limit_bytes: usize,
    line: Vec<u8>,
    number: u64,
    /// Inside a line that is too long: the rest of it is of no interest.
    skipping: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads lines of at most `limit_bytes`, newline not counted.
    pub(crate) fn new(input: R, limit_bytes: usize) -> Self {
        Self {
            input,
            limit_bytes,
            line: Vec::new(),
            number: 0,
            skipping: false,
        }
    }

    /// The next line and its number, from 1; `None` at the end. The last line may lack its newline.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        self.line.clear();
        self.line.shrink_to(64 * 1024); // after a long line
        loop {
            let available = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if available.is_empty() {
                if self.skipping || self.line.is_empty() {
                    return Ok(None);
                }
                break;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let fits = part.len() <= self.limit_bytes - self.line.len();
            if fits && !self.skipping {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            let was_skipping = self.skipping;
            self.skipping = end.is_none() && (was_skipping || !fits);
            if was_skipping {
                continue; // reported already
            }
            if !fits {
                self.number += 1;
                return Ok(Some((self.number, Line::TooLong)));
            }
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        Ok(Some((self.number, Line::Whole(&self.line))))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    fn read(input: &[u8], limit: usize, buffer: usize) -> Vec<(u64, Option<Vec<u8>>)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, input), limit);
        let mut read = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            read.push((
                number,
                match line {
                    Line::Whole(bytes) => Some(bytes.to_vec()),
                    Line::TooLong => None,
                },
            ));
        }
        read
    }

    #[test]
    fn a_line_as_long_as_the_limit_passes() {
        let whole = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(
            read(b"1234\n12345\n\n12", 4, 2),
            [(1, whole("1234")), (2, None), (3, whole("")), (4, whole("12"))]
        );
        assert_eq!(read(b"", 4, 2), []);
        assert_eq!(read(b"123456789", 4, 2), [(1, None)]);
    }

    /// A gigabyte without a newline passes through a few kilobytes.
    #[test]
    fn an_endless_line_is_not_held() {
        let input = BufReader::new(io::repeat(b'x').take(1 << 30));
        let mut lines = Lines::new(input, 1 << 20);
        assert_eq!(lines.next().unwrap(), Some((1, Line::TooLong)));
        assert!(lines.line.capacity() <= 1 << 21);
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.line.capacity() <= 1 << 16);
    }

    proptest! {
        #[test]
        fn splits_as_split_does(
            input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), Just(b'b')], 0..60),
            limit in 0usize..8,
            buffer in 1usize..9,
        ) {
            let mut expected: Vec<Option<Vec<u8>>> = input
                .split(|byte| *byte == b'\n')
                .map(|line| (line.len() <= limit).then(|| line.to_vec()))
                .collect();
            if expected.last() == Some(&Some(Vec::new())) {
                expected.pop(); // what follows the last newline
            }
            let read: Vec<_> = read(&input, limit, buffer).into_iter().map(|(_, line)| line).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
