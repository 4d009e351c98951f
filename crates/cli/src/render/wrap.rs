//! Text that fits a terminal.
//!
//! *In:* a line, and how many columns there are. *Out:* lines that break between words, the later ones indented.

use unicode_width::UnicodeWidthStr as _;

/// By how much the lines after the first are indented.
const INDENT: &str = "  ";

/// `line` in lines of at most `most` columns, without a line end after the last; as it is where there is no limit. Words that
/// are longer stay whole.
pub(super) fn wrapped(line: &str, most: Option<usize>) -> String {
    wrapped_under(line, INDENT.len(), most)
}

/// The same, with the later lines indented by so many columns.
pub(super) fn wrapped_under(line: &str, indent: usize, most: Option<usize>) -> String {
    let Some(most) = most.filter(|most| line.width() > *most) else {
        return line.to_owned();
    };
    let mut text = String::new();
    let (mut width, mut has_word) = (0, false);
    // Spaces that stand together, as after a label, stay.
    for word in line.split_inclusive(' ') {
        let shown = word.trim_end().width();
        if width + shown > most && has_word {
            text.truncate(text.trim_end().len());
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            width = indent;
        }
        text.push_str(word);
        has_word = true;
        width += word.width();
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        let line = "label    the quick brown fox jumps";
        assert_eq!(wrapped(line, None), line);
        assert_eq!(wrapped(line, Some(34)), line);
        assert_eq!(
            wrapped_under(line, 9, Some(20)),
            "label    the quick\n         brown fox\n         jumps"
        );
        assert_eq!(wrapped("a unbreakable b", Some(6)), "a\n  unbreakable\n  b");
    }

    #[test]
    fn no_word_is_lost_at_any_width() {
        let line = "σ is 12 µs, 手机 takes 3 ms";
        for most in 1..40 {
            let text = wrapped(line, Some(most));
            assert!(text.split_whitespace().eq(line.split_whitespace()), "{text:?}");
            let longest = line.split(' ').map(|word| word.width()).max().unwrap();
            let fits = |line: &str| line.width() <= most.max(longest + INDENT.len());
            assert!(text.lines().all(fits), "{most}: {text:?}");
        }
    }
}
