//! Lines out of what a socket gives, which may be half a line or many.
//!
//! *In:* bytes as they come. *Out:* whole lines. One that is too long is said to be so as soon as it is, and thrown away up
//! to its end: no peer fills the memory.

/// A longer line is no message: those of the largest blocks have some ten kilobytes.
pub const MOST_LINE_BYTES: usize = 1 << 20;

/// A line of a peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its bytes, without the newline.
    Whole(Vec<u8>),
    /// It has more than [`MOST_LINE_BYTES`].
    TooLong,
}

/// What has come of a line that is not whole yet.
#[derive(Debug, Default)]
pub struct LineBuffer {
    begun: Vec<u8>,
    /// Inside a line that is too long.
    skipping: bool,
}

impl LineBuffer {
    /// The lines that end in these bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (part, ends) = match piece.strip_suffix(b"\n") {
                Some(part) => (part, true),
                None => (piece, false),
            };
            if !self.skipping && self.begun.len() + part.len() > MOST_LINE_BYTES {
                self.skipping = true;
                self.begun = Vec::new();
                lines.push(Line::TooLong);
            }
            if !self.skipping {
                self.begun.extend_from_slice(part);
            }
            if ends && !std::mem::take(&mut self.skipping) {
                lines.push(Line::Whole(std::mem::take(&mut self.begun)));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn half_lines_wait_for_their_end() {
        let mut buffer = LineBuffer::default();
        assert_eq!(buffer.push(b"{\"id\""), []);
        assert_eq!(buffer.push(b":1}\n\nab"), [whole("{\"id\":1}"), whole("")]);
        assert_eq!(buffer.push(b""), []);
        assert_eq!(buffer.push(b"c\n"), [whole("abc")]);
    }

    #[test]
    fn a_line_of_ten_mebibytes_is_not_held() {
        let mut buffer = LineBuffer::default();
        let mut lines = Vec::new();
        for _ in 0..160 {
            lines.extend(buffer.push(&[b'x'; 1 << 16]));
            assert!(buffer.begun.capacity() <= 2 * MOST_LINE_BYTES);
        }
        assert_eq!(lines, [Line::TooLong]);
        assert_eq!(buffer.push(b"xx\nnext\n"), [whole("next")]);
        let longest = vec![b'y'; MOST_LINE_BYTES];
        assert_eq!(buffer.push(&longest), []);
        assert_eq!(buffer.push(b"\n"), [Line::Whole(longest)]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(pieces in proptest::collection::vec("[ab\n]{0,5}", 0..20)) {
            let mut buffer = LineBuffer::default();
            let lines: Vec<_> = pieces.iter().flat_map(|piece| buffer.push(piece.as_bytes())).collect();
            let text = pieces.concat();
            let mut expected: Vec<_> = text.split('\n').map(whole).collect();
            expected.pop();
            prop_assert_eq!(lines, expected);
        }
    }
}
