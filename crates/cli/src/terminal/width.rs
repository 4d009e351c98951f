//! How wide the terminal is.

use std::io;

use terminal_size::{Width, terminal_size_of};

/// How many columns there are for what goes to stdout: the terminal's; where stdout is none, what `COLUMNS` says, as for the
/// help. `None` for a file or a pipe, which take lines of any length.
pub(crate) fn columns() -> Option<usize> {
    match terminal_size_of(io::stdout()) {
        // Some terminals do not know how wide they are.
        Some((Width(columns), _)) if columns > 0 => Some(columns.into()),
        _ => said_by(std::env::var("COLUMNS").ok().as_deref()),
    }
}

fn said_by(variable: Option<&str>) -> Option<usize> {
    variable?.parse().ok().filter(|columns| *columns > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_is_a_width() {
        assert_eq!(said_by(Some("80")), Some(80));
        for other in [None, Some(""), Some("0"), Some("wide"), Some("-3")] {
            assert_eq!(said_by(other), None, "{other:?}");
        }
    }
}
