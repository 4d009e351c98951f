//! One connection to a pool.
//!
//! *In:* an address; lines to send. *Out:* bytes that came. One thread receives, any may send; neither waits for the other.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _},
    time::{Duration, Instant},
};

use paydirt::Cancel;

use super::{
    tls::{Tls, Trust},
    url::PoolUrl,
};

/// How long one of a host's addresses may take to answer, and then its encryption.
const OPENING: Duration = Duration::from_secs(10);
/// How long one call waits for bytes: so often its caller may look at the time.
const RECEIVING: Duration = Duration::from_millis(100);
/// How long a pool may refuse to take a line. A mining thread waits for this.
const SENDING: Duration = Duration::from_secs(1);

/// A connection that stands.
pub(super) struct Connection {
    stream: TcpStream,
    tls: Option<Tls>,
    /// Whom it is to.
    pub(super) address: SocketAddr,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The peer is not there, or not now.
    Lost(String),
    /// It is not who it should be.
    Untrusted(String),
}

impl Connection {
    /// Connects to the pool, at this port. Gives up when `over` is pulled.
    pub(super) fn open(
        url: &PoolUrl,
        port: u16,
        trust: Option<&Trust>,
        over: &Cancel,
    ) -> Result<Self, OpenError> {
        let lost = |error: io::Error| OpenError::Lost(format!("cannot connect: {}", said(&error)));
        let addresses = (&*url.host, port).to_socket_addrs();
        let unknown =
            |error: io::Error| OpenError::Lost(format!("its name cannot be looked up: {}", said(&error)));
        let mut problem = OpenError::Lost("its name stands for no address".to_owned());
        for address in addresses.map_err(unknown)? {
            if over.is_cancelled() {
                break;
            }
            match TcpStream::connect_timeout(&address, OPENING) {
                Ok(stream) => {
                    let connection = Self::on(stream, address).map_err(lost)?;
                    return match trust.filter(|_| url.encrypted) {
                        Some(trust) => connection.encrypt(trust, &url.host, over),
                        None => Ok(connection),
                    };
                }
                Err(error) => problem = lost(error),
            }
        }
        Err(problem)
    }

    fn on(stream: TcpStream, address: SocketAddr) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(RECEIVING))?;
        stream.set_write_timeout(Some(SENDING))?;
        Ok(Self {
            stream,
            tls: None,
            address,
        })
    }

    /// Agrees on keys.
    fn encrypt(mut self, trust: &Trust, host: &str, over: &Cancel) -> Result<Self, OpenError> {
        let tls = Tls::new(trust, host).map_err(|error| OpenError::Untrusted(error.to_string()))?;
        let tls = self.tls.insert(tls);
        let lost = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => OpenError::Untrusted(format!(
                "its certificate is not trusted ({error}); --certificate FILE trusts it, if it is the right one"
            )),
            io::ErrorKind::InvalidData => {
                OpenError::Lost(format!("it does not speak TLS as it should: {error}"))
            }
            _ => OpenError::Lost(format!("cannot agree on encryption: {}", said(&error))),
        };
        tls.send(&self.stream, &[]).map_err(lost)?;
        let begun = Instant::now();
        let mut nothing = Vec::new();
        while self.tls.as_ref().is_some_and(Tls::is_handshaking) {
            if over.is_cancelled() || begun.elapsed() > OPENING {
                return Err(OpenError::Lost(
                    "it does not answer the greeting of TLS".to_owned(),
                ));
            }
            self.receive(&mut nothing).map_err(lost)?;
        }
        Ok(self)
    }

    /// Sends a line, whole.
    pub(super) fn send(&self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        match &self.tls {
            None => (&self.stream).write_all(line.as_bytes()),
            Some(tls) => tls.send(&self.stream, line.as_bytes()),
        }
    }

    /// Waits a moment for bytes and appends those that came.
    ///
    /// # Errors
    /// Also when the peer has closed the connection.
    pub(super) fn receive(&self, plain: &mut Vec<u8>) -> io::Result<()> {
        let mut bytes = [0; 1 << 14];
        let count = match (&self.stream).read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {
                        Ok(())
                    }
                    _ => Err(error),
                };
            }
        };
        match &self.tls {
            None => plain.extend_from_slice(&bytes[..count]),
            Some(tls) => tls.receive(&self.stream, &bytes[..count], plain)?,
        }
        Ok(())
    }

    /// Ends it, for whoever waits at it too.
    pub(super) fn close(&self) {
        // It may be closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// What went wrong with a socket.
pub(super) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the pool closed the connection".to_owned(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "it took too long".to_owned(),
        _ => error.to_string(),
    }
}
