//! A certificate authority for one run: P-256, one day, and one server certificate for 127.0.0.1 that all nodes share.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;
use tokio_rustls::TlsAcceptor;

/// Clocks of this machine are the same clock; a minute covers steps of it.
const BACKDATED: Duration = Duration::from_secs(60);
const VALID: Duration = Duration::from_secs(24 * 3600);

/// Where the files lie, and the authority that clients pin.
pub(super) struct Certificates {
    /// The authority, for `curl --cacert`.
    pub ca_file: PathBuf,
    /// The server's chain.
    pub cert_file: PathBuf,
    /// The server's key.
    pub key_file: PathBuf,
    /// The authority.
    pub ca: CertificateDer<'static>,
}

impl Certificates {
    /// Shows the server certificate, as the nodes do.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor> {
        let chain = CertificateDer::pem_file_iter(&self.cert_file)?.collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&self.key_file)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// Makes both, and writes them into `dir`.
pub(super) fn issue(dir: &Path) -> Result<Certificates> {
    let ca_key = KeyPair::generate().context("no P-256 key")?;
    let mut authority = params("Symbolon demo authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let ca = authority.self_signed(&ca_key)?;
    let key = KeyPair::generate().context("no P-256 key")?;
    let mut server = params("Symbolon demo node");
    server.subject_alt_names = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.subject_alt_names;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let cert = server.signed_by(&key, &Issuer::from_params(&authority, &ca_key))?;
    let files = Certificates {
        ca_file: dir.join("ca.pem"),
        cert_file: dir.join("node.pem"),
        key_file: dir.join("node.key"),
        ca: ca.der().clone(),
    };
    std::fs::write(&files.ca_file, ca.pem())?;
    std::fs::write(&files.cert_file, cert.pem())?;
    super::config::write_private(&files.key_file, &key.serialize_pem())?;
    Ok(files)
}

fn params(common_name: &str) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    let mut params = CertificateParams::default();
    params.not_before = now - BACKDATED;
    params.not_after = now + VALID;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
