//! The names a node answers to.
//!
//! *In:* the address it listens on, further names, and what a request says in `Host`. *Out:* whether it means this node.
//!
//! A page can make its own name mean any address a moment after it was loaded, and is then, for the browser, of the node's
//! origin. What no page can do is to make `localhost` or a literal address mean something else. So a node on loopback answers
//! to loopback names; one that others reach, to any literal address too; and both to the names they are given.

use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use axum::http::StatusCode;

use crate::refusal::Refusal;

/// The names a node answers to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Whatever a request says, or nothing: for those who call the app without a socket.
    #[default]
    Unchecked,
    /// Any name, as long as there is one: what stands before the node checks them.
    Any,
    /// These.
    Named {
        /// Whether others than this machine may reach it: then it answers to any literal address.
        beyond_loopback: bool,
        /// Beside `localhost` and the loopback addresses.
        more: Vec<HostName>,
    },
}

impl Hosts {
    /// Those of a node that listens on `address`, and `more`.
    pub fn of(address: IpAddr, more: Vec<HostName>) -> Self {
        Self::Named {
            beyond_loopback: !address.to_canonical().is_loopback(),
            more,
        }
    }

    /// Whether what a request names is this node.
    pub(super) fn admit(&self, named: &[u8]) -> Result<(), Refusal> {
        let name = std::str::from_utf8(named).ok().and_then(without_port);
        let Some(name) = name.and_then(|name| HostName::new(name).ok()) else {
            return Err(Refusal::bad(
                "The Host header is no name or address, with a port or without",
            ));
        };
        match self.answers_to(&name) {
            true => Ok(()),
            false => {
                let message =
                    "This node does not answer to that name in Host; paydirt serve --allow-host NAME lets it";
                Err(Refusal::new(StatusCode::FORBIDDEN, message))
            }
        }
    }

    fn answers_to(&self, name: &HostName) -> bool {
        let Self::Named {
            beyond_loopback,
            more,
        } = self
        else {
            return true;
        };
        let usual = match name {
            HostName::Address(address) => *beyond_loopback || address.is_loopback(),
            HostName::Name(name) => name == "localhost",
        };
        usual || more.contains(name)
    }
}

/// What stands before the port of `Host` (RFC 9110 §7.2); `None` if that is malformed.
fn without_port(text: &str) -> Option<&str> {
    let end = match text.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (name, port) = text.split_at(end);
    let digits = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some("") => true, // allowed, if odd
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok(),
    };
    digits.then_some(name)
}

/// A name or an address by which a node is reached, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// A literal address.
    Address(IpAddr),
    /// A name, in small letters.
    Name(String),
}

impl HostName {
    /// Reads `node.example`, `192.168.1.5` or `[fe80::1]`.
    ///
    /// # Errors
    /// [`BadHostName`].
    pub fn new(text: &str) -> Result<Self, BadHostName> {
        if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let address = Ipv6Addr::from_str(inner).map_err(|_| BadHostName)?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = IpAddr::from_str(text) {
            return Ok(Self::Address(address.to_canonical()));
        }
        // RFC 3986 §3.2.2 allows more signs, and what they are escaped with; none of them is part of a name in use.
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
        match name.is_empty() || !name.bytes().all(sign) {
            true => Err(BadHostName),
            false => Ok(Self::Name(name)),
        }
    }
}

/// Text that is no name or address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHostName;
