//! TLS 1.3 over aws-lc, the hybrid X25519MLKEM768 first. Nothing older is ever spoken.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds no such PEM.
    #[error("{key}: {path}: {problem}", path = path.display())]
    File {
        /// The configuration key.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Certificate and key do not go together, or rustls refuses them.
    #[error("tls.cert and tls.key cannot be used: {0}")]
    Pair(rustls::Error),
}

/// The one provider of this program.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What a server shows.
pub fn server(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates("tls.cert", cert)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| file("tls.key", key, e))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Tickets would cost a second flight on each connection; peers keep theirs, and browsers get by.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// What a client trusts: the certificates of this file, or nobody.
pub fn client(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in certificates("gossip.ca", path)? {
            roots.add(certificate).map_err(|e| file("gossip.ca", path, e))?;
        }
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Pair)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(|e| file(key, path, e))?.collect();
    match found {
        Ok(chain) if chain.is_empty() => Err(file(key, path, "holds no certificate in PEM form")),
        Ok(chain) => Ok(chain),
        Err(e) => Err(file(key, path, e)),
    }
}

fn file(key: &'static str, path: &Path, problem: impl ToString) -> TlsError {
    TlsError::File { key, path: path.to_owned(), problem: problem.to_string() }
}
