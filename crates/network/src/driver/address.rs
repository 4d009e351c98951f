//! Where a node listens, and where it is reached.
//!
//! *In:* `/ip4/127.0.0.1/tcp/5333`, with or without `/p2p/ID`, or `127.0.0.1:5333`; with a name in the place of the number.
//! *Out:* a [`NodeAddress`], which prints as a multiaddress: the same node at the same place always as the same text.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

use crate::core::{Address, Origin};

/// The most addresses that a name is tried at.
const MAX_RESOLVED: usize = 4;
/// The most bytes of a host's name.
const MAX_NAME_BYTES: usize = 253;

/// Why text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a node; give /ip4/127.0.0.1/tcp/5333, with or without /p2p/ID, or HOST:PORT")]
pub struct AddressError;

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeAddress {
    host: Host,
    port: u16,
    identity: Option<PeerId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Host {
    Ip(IpAddr),
    /// A name, and which kind of number is wanted for it.
    Name(String, Family),
}

/// Of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Family {
    Any,
    V4,
    V6,
}

impl NodeAddress {
    /// The port; 0 stands for a free one where a node listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who is expected there.
    pub fn identity(&self) -> Option<PeerId> {
        self.identity
    }

    /// Whether it has a name in the place of a number.
    pub fn is_named(&self) -> bool {
        matches!(self.host, Host::Name(..))
    }

    /// As the core knows it.
    pub fn to_address(&self) -> Address {
        self.to_string().into()
    }

    /// What can be dialled, or listened on. A name is looked up.
    pub(super) async fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        let (name, family) = match &self.host {
            Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, self.port)]),
            Host::Name(name, family) => (name, family),
        };
        let found = tokio::net::lookup_host((name.as_str(), self.port)).await?;
        let wanted = found.filter(|address| match family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        });
        Ok(wanted.take(MAX_RESOLVED).collect())
    }
}

/// As libp2p knows it.
pub(super) fn tcp(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V4(ip)) => write!(f, "/ip4/{ip}")?,
            Host::Ip(IpAddr::V6(ip)) => write!(f, "/ip6/{ip}")?,
            Host::Name(name, Family::Any) => write!(f, "/dns/{name}")?,
            Host::Name(name, Family::V4) => write!(f, "/dns4/{name}")?,
            Host::Name(name, Family::V6) => write!(f, "/dns6/{name}")?,
        }
        write!(f, "/tcp/{}", self.port)?;
        match self.identity {
            Some(identity) => write!(f, "/p2p/{identity}"),
            None => Ok(()),
        }
    }
}

impl FromStr for NodeAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.starts_with('/') {
            let multiaddr: Multiaddr = text.parse().map_err(|_| AddressError)?;
            return Self::try_from(&multiaddr);
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self {
                host: Host::Ip(address.ip()),
                port: address.port(),
                identity: None,
            });
        }
        let (name, port) = text.rsplit_once(':').ok_or(AddressError)?;
        if name.contains(':') {
            return Err(AddressError); // an IPv6 number stands in brackets: nobody can tell where it ends
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits.then(|| port.parse().ok()).flatten().ok_or(AddressError)?;
        Ok(Self {
            host: named(name, Family::Any)?,
            port,
            identity: None,
        })
    }
}

impl TryFrom<&Multiaddr> for NodeAddress {
    type Error = AddressError;

    fn try_from(multiaddr: &Multiaddr) -> Result<Self, AddressError> {
        let mut parts = multiaddr.iter();
        let host = match parts.next() {
            Some(Protocol::Ip4(ip)) => Host::Ip(ip.into()),
            Some(Protocol::Ip6(ip)) => Host::Ip(ip.into()),
            Some(Protocol::Dns(name)) => named(&name, Family::Any)?,
            Some(Protocol::Dns4(name)) => named(&name, Family::V4)?,
            Some(Protocol::Dns6(name)) => named(&name, Family::V6)?,
            _ => return Err(AddressError),
        };
        let Some(Protocol::Tcp(port)) = parts.next() else {
            return Err(AddressError);
        };
        let identity = match parts.next() {
            None => None,
            Some(Protocol::P2p(identity)) => Some(identity),
            Some(_) => return Err(AddressError),
        };
        match parts.next() {
            None => Ok(Self { host, port, identity }),
            Some(_) => Err(AddressError),
        }
    }
}

/// A host's name: letters, digits, `-`, `_` and dots. One of digits and dots alone is a number that is none.
fn named(name: &str, family: Family) -> Result<Host, AddressError> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(Host::Ip(ip));
    }
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.bytes().all(is_good)
        && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    match is_name {
        true => Ok(Host::Name(name.to_ascii_lowercase(), family)),
        false => Err(AddressError),
    }
}

/// The number in a multiaddress.
pub(super) fn ip(multiaddr: &Multiaddr) -> Option<IpAddr> {
    multiaddr.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    })
}

/// Whom the limits by address take for the same; none on this machine.
pub(super) fn origin(ip: IpAddr) -> Option<Origin> {
    let ip = ip.to_canonical();
    if ip.is_loopback() {
        return None;
    }
    Some(Origin(match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_bits(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    fn printed(text: &str) -> Option<String> {
        text.parse::<NodeAddress>()
            .ok()
            .map(|address| address.to_string())
    }

    #[test]
    fn what_is_meant_alike_prints_alike() {
        for (text, is) in [
            ("/ip4/127.0.0.1/tcp/5333", "/ip4/127.0.0.1/tcp/5333"),
            ("127.0.0.1:5333", "/ip4/127.0.0.1/tcp/5333"),
            ("/dns/127.0.0.1/tcp/5333", "/ip4/127.0.0.1/tcp/5333"),
            ("[::1]:5333", "/ip6/::1/tcp/5333"),
            ("/ip6/0:0::1/tcp/5333", "/ip6/::1/tcp/5333"),
            ("localhost:1", "/dns/localhost/tcp/1"),
            ("Node.Example:65535", "/dns/node.example/tcp/65535"),
            ("/dns4/node.example/tcp/5", "/dns4/node.example/tcp/5"),
            ("0.0.0.0:0", "/ip4/0.0.0.0/tcp/0"),
        ] {
            assert_eq!(printed(text).as_deref(), Some(is), "{text}");
            assert_eq!(printed(is).as_deref(), Some(is), "{is}");
        }
        let with_id = format!("/ip4/10.0.0.1/tcp/5333/p2p/{ID}");
        assert_eq!(printed(&with_id).as_ref(), Some(&with_id));
    }

    #[test]
    fn anything_else_is_refused() {
        let long = format!("{}:1", "a".repeat(254));
        let twice = format!("/ip4/1.2.3.4/tcp/1/p2p/{ID}/p2p/{ID}");
        for text in [
            "",
            "/",
            ":",
            ":5333",
            "5333",
            "localhost",
            "localhost:",
            "localhost:-1",
            "localhost:+1",
            "localhost:65536",
            "local host:1",
            "1.2.3:4",
            "::1:5333",
            "http://localhost:1",
            "/ip4/1.2.3.4",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/1.2.3.4/tcp/1/ws",
            "/ip4/1.2.3.4/tcp/1/p2p/x",
            "/ip4/1.2.3/tcp/1",
            "/tcp/1",
            &long,
            &twice,
        ] {
            assert_eq!(printed(text), None, "{text}");
        }
    }

    #[test]
    fn strangers_of_one_place_count_as_one() {
        let of = |text: &str| origin(text.parse().unwrap());
        assert_eq!(of("127.0.0.1"), None);
        assert_eq!(of("127.9.9.9"), None);
        assert_eq!(of("::1"), None);
        assert_eq!(of("::ffff:127.0.0.1"), None);
        assert_eq!(of("1.2.3.4"), of("::ffff:1.2.3.4"));
        assert_ne!(of("1.2.3.4"), of("1.2.3.5"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
    }
}
