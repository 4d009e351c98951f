//! Whether a stream is to be coloured.

use std::{ffi::OsStr, io::IsTerminal};

/// Where it is a terminal, unless `NO_COLOR` is set to something (<https://no-color.org>).
pub(crate) fn is_wanted(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && !is_refused(std::env::var_os("NO_COLOR").as_deref())
}

fn is_refused(variable: Option<&OsStr>) -> bool {
    variable.is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_refuses_nothing() {
        assert!(is_refused(Some(OsStr::new("1"))));
        assert!(!is_refused(Some(OsStr::new(""))) && !is_refused(None));
    }
}
