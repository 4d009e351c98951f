//! The options that say who may ask a node for what.
//!
//! *In:* the command line, and a file that holds a secret. *Out:* the node's [`Doors`], and what is to be warned of. The
//! secret itself is in no message.

use std::{
    fs::File,
    io::Read as _,
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;

use crate::options::{InputError, parse};
use paydirt_node::{Cors, Doors, HostName, Hosts, Origin, Token};

/// How much of a token's file is read: more than a token may have.
const TOKEN_FILE_BYTES: u64 = 4096;
/// Shorter tokens can be guessed.
const SHORT_TOKEN: usize = 16;

/// Who may ask for what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Who may ask")]
pub(crate) struct DoorArgs {
    /// Which other web pages may call the node and read its answers: localhost, none, any, or origins with commas
    /// between [default: localhost]
    #[arg(long, value_name = "WHO")]
    cors: Option<String>,
    /// More names the node answers to, with commas between, or any. It always answers to localhost and loopback addresses,
    /// and to every IP address where it listens on more than loopback
    #[arg(long, value_name = "NAMES")]
    allow_host: Option<String>,
    /// A file with the token that a call must bring to change something (Authorization: Bearer TOKEN)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl DoorArgs {
    /// What they mean for a node that listens on `address`.
    pub(crate) fn resolve(&self, address: IpAddr) -> anyhow::Result<Doors> {
        Ok(Doors {
            cors: self.cors()?,
            hosts: self.hosts(address)?,
            token: self.token_file.as_deref().map(read_token).transpose()?,
        })
    }

    fn cors(&self) -> Result<Cors, InputError> {
        let Some(text) = &self.cors else {
            return Ok(Cors::default());
        };
        let origin = |origin: &str| {
            Origin::new(origin).ok_or(
                "not an origin; give localhost, none, any, or origins such as https://example.com:8080",
            )
        };
        match text.as_str() {
            "localhost" => Ok(Cors::Localhost),
            "none" => Ok(Cors::Nobody),
            "any" => Ok(Cors::Anybody),
            origins => {
                let origins: Result<Vec<_>, _> = origins.split(',').map(origin).collect();
                parse("cors", text, |_| origins).map(Cors::Origins)
            }
        }
    }

    fn hosts(&self, address: IpAddr) -> Result<Hosts, InputError> {
        match self.allow_host.as_deref() {
            None => Ok(Hosts::of(address, Vec::new())),
            Some("any") => Ok(Hosts::Any),
            Some(text) => {
                let name = |name: &str| {
                    HostName::new(name.trim())
                        .map_err(|_| "not a name; give any, or names and addresses without a port, such as node.example")
                };
                let names: Result<Vec<_>, _> = text.split(',').map(name).collect();
                parse("allow-host", text, |_| names).map(|names| Hosts::of(address, names))
            }
        }
    }

    /// What whoever starts the node should know.
    pub(crate) fn warnings(&self, address: IpAddr, doors: &Doors) -> Vec<String> {
        let mut warnings = Vec::new();
        if doors.token.is_none() && !address.to_canonical().is_loopback() {
            warnings.push(format!(
                "anyone who reaches {address} may mine and send here: there is no token; --token-file FILE asks for one, \
                 --host 127.0.0.1 keeps others out"
            ));
        }
        let exposed = self.token_file.as_deref().filter(|file| others_may_read(file));
        if let Some(file) = exposed {
            let file = file.display();
            warnings.push(format!(
                "every user of this machine may read the token in {file}; chmod 600 keeps them out"
            ));
        }
        if doors
            .token
            .as_ref()
            .is_some_and(|token| token.length() < SHORT_TOKEN)
        {
            warnings.push(
                "the token is short enough to be guessed; take one from openssl rand -hex 32".to_owned(),
            );
        }
        warnings
    }
}

/// The token that is all there is in a file, but for spaces and line ends around it.
fn read_token(file: &Path) -> anyhow::Result<Token> {
    let shown = file.display().to_string();
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|open| open.take(TOKEN_FILE_BYTES).read_to_end(&mut bytes));
    read.with_context(|| format!("--token-file '{shown}' cannot be read"))?;
    let text = String::from_utf8_lossy(&bytes); // what is no UTF-8 is no token either
    let token =
        Token::new(text.trim()).map_err(|problem| InputError::value("token-file", &shown, problem))?;
    Ok(token)
}

/// Whether each user of the machine may read a file, as far as the system says so.
fn others_may_read(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        // A pipe is read once, by us.
        file.metadata()
            .is_ok_and(|about| about.is_file() && about.mode() & 0o004 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = file; // its rights are no three digits
        false
    }
}
