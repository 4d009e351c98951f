//! Options of the machine that the environment may hold: what would else be repeated with every command.
//!
//! | variable | stands for |
//! |---|---|
//! | `PAYDIRT_THREADS` | `--threads`, wherever something is mined |
//! | `PAYDIRT_KERNEL` | `--kernel`, likewise |
//! | `PAYDIRT_DATA` | `--data` |
//! | `PAYDIRT_PORT` | `--port` of `paydirt serve` |
//!
//! *In:* an option, if it is given. *Out:* its text and the name to be used in errors: the option's, else the variable's. An
//! option that is given goes before the variable; a variable that is empty is not set. `bench`, whose threads and kernels
//! are what it compares, takes none of them.

use std::ffi::OsString;

/// What was given for an option, or what the environment says, and by which name.
pub(crate) fn given_or(
    option: &'static str,
    text: Option<&str>,
    variable: &'static str,
) -> Option<(&'static str, String)> {
    text.map(|text| (option, text.to_owned()))
        .or_else(|| Some((variable, said(variable)?.to_string_lossy().into_owned())))
}

/// What a variable holds, if anything.
pub(super) fn said(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|text| !text.is_empty())
}
