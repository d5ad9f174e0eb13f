//! TLS as PostgreSQL's own clients do it: the modes, the verification each of them asks for, and the errors.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError, RootCertStore,
    SignatureScheme,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use syncline_protocol::{ConnectorContext, Error, ErrorKind, Result};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::{SslConfig, SslMode};

/// What is needed to make a connection secure, with all files read.
pub(super) struct Tls {
    pub(super) mode: SslMode,
    pub(super) connector: MakeRustlsConnect,
    verifier: Arc<Verifier>,
}

impl Tls {
    /// Reads the files that `config` names; none for `disable`.
    ///
    /// # Errors
    /// `Config` when a file is missing or holds no certificate or key.
    pub(super) async fn load(config: &SslConfig, context: &ConnectorContext) -> Result<Option<Tls>> {
        if config.mode == SslMode::Disable {
            return Ok(None);
        }
        let config = config.clone();
        let context = context.clone();
        tokio::task::spawn_blocking(move || load_blocking(&config, &context).map(Some))
            .await
            .map_err(|error| Error::internal("Reading the certificates broke off.").caused_by(error))?
    }

    /// What the last handshake showed, in words for the connection test.
    pub(super) fn seen(&self) -> Option<&'static str> {
        *self.verifier.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load_blocking(config: &SslConfig, context: &ConnectorContext) -> Result<Tls> {
    let provider = Arc::new(ring::default_provider());
    let ca = config.ca.as_deref().map(|path| certificates(&context.resolve(path))).transpose()?;
    let check = match (config.mode, &ca) {
        (SslMode::VerifyFull, _) => Check::ChainAndName,
        (SslMode::VerifyCa, _) | (SslMode::Require, Some(_)) => Check::Chain,
        _ => Check::Nothing,
    };
    let chain = if check == Check::Nothing { None } else { Some(chain_verifier(ca.as_deref(), &provider)?) };
    let verifier = Arc::new(Verifier {
        check,
        chain,
        pinned: ca.unwrap_or_default(),
        provider: Arc::clone(&provider),
        seen: Mutex::default(),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS could not be set up.").caused_by(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>);
    let client = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(&context.resolve(certificate))?;
            let path = context.resolve(key);
            let key = PrivateKeyDer::from_pem_file(&path).map_err(|error| unreadable(&path, "key", error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                Error::new(ErrorKind::Config, "The client certificate and its key do not belong together.")
                    .caused_by(error)
            })?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Tls { mode: config.mode, connector: MakeRustlsConnect::new(client), verifier })
}

fn unreadable(path: &Path, what: &str, error: rustls_pki_types::pem::Error) -> Error {
    Error::new(ErrorKind::Config, format!("The file {} holds no readable {what}.", path.display()))
        .caused_by(error)
}

fn certificates(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(path, "certificate", error))?;
    if found.is_empty() {
        let message = format!("The file {} holds no certificate.", path.display());
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(found)
}

/// Verifies chains up to the given authorities, or to those of this computer.
fn chain_verifier(
    ca: Option<&[CertificateDer<'static>]>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(authorities) => {
            roots.add_parsable_certificates(authorities.iter().cloned());
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().map_err(
        |error| {
            Error::new(ErrorKind::Config, "There is no trusted authority to verify the certificate with.")
                .fix("Choose the file with the certificate of the authority (`ssl.ca`).")
                .caused_by(error)
        },
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Nothing,
    Chain,
    ChainAndName,
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// A server certificate that is itself in the file of authorities is trusted as it is. Self-signed certificates
    /// are commonly used so; a chain check alone refuses them, for an authority must not be a server.
    pinned: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<&'static str>>,
}

impl Verifier {
    fn saw(&self, version: &'static str) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        if self.pinned.iter().any(|pinned| pinned.as_ref() == end_entity.as_ref()) {
            if self.check == Check::ChainAndName {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: everything else was in order.
            Err(RustlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.check == Check::Chain => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.saw("TLS 1.2");
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        self.saw("TLS 1.3");
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// The error of a handshake.
pub(super) fn handshake_failed(error: std::io::Error, host: &str) -> Error {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<RustlsError>());
    let headline = match cause {
        Some(RustlsError::InvalidCertificate(problem)) => match problem {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("The certificate of the server is not for the name {host}.")
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "The certificate of the server has expired.".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "The certificate of the server is not valid yet; this computer's clock may be off.".to_owned()
            }
            _ => "The certificate of the server comes from an authority that is not trusted.".to_owned(),
        },
        Some(RustlsError::AlertReceived(alert)) => {
            format!("The server ended the secure connection ({alert:?}); it may want a client certificate.")
        }
        _ => "A secure connection could not be agreed.".to_owned(),
    };
    Error::new(ErrorKind::Tls, headline).with("host", host).caused_by(error)
}
