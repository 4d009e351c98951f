//! Encrypted connections, `stratum+ssl`.
//!
//! *In:* certificates to trust besides those of the well-known authorities. *Out:* [`Tls`], which turns what is said into
//! what goes over the wire, and back.
//!
//! A pool's certificate must be one of those given, byte for byte (whatever its name and date: whoever gives it knows the
//! pool), or be signed by one of those or by a well-known authority, for the pool's name. What nobody vouches for is
//! refused: shares would go to whoever answers.
//!
//! rustls, with graviola's cryptography: it needs no C compiler, and a processor with AES instructions.

pub use found::{Tls, Trust};

/// Why no encrypted connection can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The processor lacks instructions.
    #[error("this processor lacks the instructions that encryption takes here; use stratum+tcp, or a tunnel")]
    Processor,
    /// A file without a certificate that can be read.
    #[error("there is no certificate in it that can be read; give a file in PEM form")]
    Certificate,
    /// The name of a pool that no certificate can have.
    #[error("no certificate can be for the host {0}")]
    Name(String),
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod found {
    use std::{
        io::{self, Read as _, Write as _},
        net::TcpStream,
        sync::{Arc, Mutex},
    };

    use rustls::{
        ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        },
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
    };

    use super::TrustError;

    /// Whom to believe.
    #[derive(Clone, Debug)]
    pub struct Trust(Arc<ClientConfig>);

    impl Trust {
        /// The well-known authorities, and the certificates in these files' texts (PEM).
        ///
        /// # Errors
        /// [`TrustError`] for a text without a certificate, or where the processor lacks instructions.
        pub fn new(files: &[Vec<u8>]) -> Result<Self, TrustError> {
            if !processor_will_do() {
                return Err(TrustError::Processor);
            }
            let mut given = Vec::new();
            for file in files {
                let certificates = CertificateDer::pem_slice_iter(file);
                let mut certificates: Vec<_> = certificates
                    .collect::<Result<_, _>>()
                    .map_err(|_| TrustError::Certificate)?;
                if certificates.is_empty() {
                    return Err(TrustError::Certificate);
                }
                given.append(&mut certificates);
            }
            let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            // One that cannot sign others still counts as the pool's own.
            roots.add_parsable_certificates(given.iter().cloned());
            let provider = Arc::new(rustls_graviola::default_provider());
            let signed = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let signed = signed
                .build()
                .expect("there are roots, and no lists of revoked ones");
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("the provider has suites for both versions")
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Verifier { given, signed }))
                .with_no_client_auth();
            Ok(Self(Arc::new(config)))
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn processor_will_do() -> bool {
        // As graviola checks them; it panics where one is missing.
        is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("adx")
            && is_x86_feature_detected!("avx")
            && is_x86_feature_detected!("avx2")
    }

    #[cfg(target_arch = "aarch64")]
    fn processor_will_do() -> bool {
        use std::arch::is_aarch64_feature_detected;
        is_aarch64_feature_detected!("neon")
            && is_aarch64_feature_detected!("aes")
            && is_aarch64_feature_detected!("pmull")
            && is_aarch64_feature_detected!("sha2")
    }

    /// A pool's own certificate, or one that an authority signed.
    #[derive(Debug)]
    struct Verifier {
        given: Vec<CertificateDer<'static>>,
        signed: Arc<WebPkiServerVerifier>,
    }

    impl ServerCertVerifier for Verifier {
        fn verify_server_cert(
            &self,
            certificate: &CertificateDer<'_>,
            between: &[CertificateDer<'_>],
            name: &ServerName<'_>,
            ocsp: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            match self.given.contains(certificate) {
                true => Ok(ServerCertVerified::assertion()),
                false => self
                    .signed
                    .verify_server_cert(certificate, between, name, ocsp, now),
            }
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.signed
                .verify_tls12_signature(message, certificate, signature)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.signed
                .verify_tls13_signature(message, certificate, signature)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.signed.supported_verify_schemes()
        }
    }

    /// One encrypted connection. Nobody holds it while the socket is waited for.
    pub struct Tls(Mutex<ClientConnection>);

    impl Tls {
        /// The beginning of one to this host.
        pub fn new(trust: &Trust, host: &str) -> Result<Self, TrustError> {
            let named = || TrustError::Name(host.to_owned());
            let name = ServerName::try_from(host.to_owned()).map_err(|_| named())?;
            let connection = ClientConnection::new(Arc::clone(&trust.0), name).map_err(|_| named())?;
            Ok(Self(Mutex::new(connection)))
        }

        /// Whether the two have not agreed on keys yet.
        pub fn is_handshaking(&self) -> bool {
            self.lock().is_handshaking()
        }

        /// Encrypts, and writes.
        pub fn send(&self, mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
            let mut connection = self.lock();
            connection.writer().write_all(bytes)?;
            while connection.wants_write() {
                connection.write_tls(&mut stream)?;
            }
            Ok(())
        }

        /// Decrypts what came; what that asks for is answered.
        ///
        /// # Errors
        /// Of kind `InvalidData` for what cannot be decrypted, of kind `PermissionDenied` for a certificate that is not
        /// trusted.
        pub fn receive(
            &self,
            mut stream: &TcpStream,
            mut bytes: &[u8],
            plain: &mut Vec<u8>,
        ) -> io::Result<()> {
            let mut connection = self.lock();
            while !bytes.is_empty() {
                connection.read_tls(&mut bytes)?;
                let state = connection.process_new_packets();
                while state.is_err() && connection.wants_write() && connection.write_tls(&mut stream).is_ok()
                {
                }
                let state = state.map_err(|error| {
                    let kind = match &error {
                        Error::InvalidCertificate(_) => io::ErrorKind::PermissionDenied,
                        _ => io::ErrorKind::InvalidData,
                    };
                    io::Error::new(kind, error)
                })?;
                let begun = plain.len();
                plain.resize(begun + state.plaintext_bytes_to_read(), 0);
                connection.reader().read_exact(&mut plain[begun..])?;
                if state.peer_has_closed() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            while connection.wants_write() {
                connection.write_tls(&mut stream)?;
            }
            Ok(())
        }

        fn lock(&self) -> std::sync::MutexGuard<'_, ClientConnection> {
            self.0.lock().expect("nothing panics while it is held")
        }
    }
}

/// Where there is no cryptography for the processor.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod found {
    use std::{io, net::TcpStream};

    use super::TrustError;

    /// Whom to believe: nobody.
    #[derive(Clone, Debug)]
    pub enum Trust {}

    impl Trust {
        /// There is none.
        ///
        /// # Errors
        /// [`TrustError::Processor`].
        pub fn new(_files: &[Vec<u8>]) -> Result<Self, TrustError> {
            Err(TrustError::Processor)
        }
    }

    /// No connection.
    pub enum Tls {}

    impl Tls {
        pub fn new(trust: &Trust, _host: &str) -> Result<Self, TrustError> {
            match *trust {}
        }

        pub fn is_handshaking(&self) -> bool {
            match *self {}
        }

        pub fn send(&self, _stream: &TcpStream, _bytes: &[u8]) -> io::Result<()> {
            match *self {}
        }

        pub fn receive(&self, _stream: &TcpStream, _bytes: &[u8], _plain: &mut Vec<u8>) -> io::Result<()> {
            match *self {}
        }
    }
}
