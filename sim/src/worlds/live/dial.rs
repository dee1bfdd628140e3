//! Connections on loopback, in the clear or under the run's own authority. It speaks no request.

use std::sync::Arc;

use anyhow::Result;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::worlds::client::http::{Http, Open, Opening, speak};

/// How to trust a server.
#[derive(Clone)]
pub struct Trust(Option<TlsConnector>);

impl Trust {
    /// No TLS at all: for the bench on loopback.
    pub fn plain() -> Trust {
        Trust(None)
    }

    /// TLS under this authority, and under no other.
    pub fn pinned(ca: CertificateDer<'static>) -> Result<Trust> {
        let mut roots = RootCertStore::empty();
        roots.add(ca)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Trust(Some(TlsConnector::from(Arc::new(config)))))
    }
}

/// A client of 127.0.0.1 on this port.
pub fn loopback(port: u16, trust: Trust) -> Http {
    Http::new(&format!("127.0.0.1:{port}"), Arc::new(Loopback { port, trust }))
}

struct Loopback {
    port: u16,
    trust: Trust,
}

impl Open for Loopback {
    fn open(&self) -> Opening {
        let (port, trust) = (self.port, self.trust.clone());
        Box::pin(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            match trust.0 {
                None => speak(stream).await,
                Some(connector) => {
                    let name = ServerName::try_from("127.0.0.1").expect("an address is a server name");
                    speak(connector.connect(name, stream).await?).await
                }
            }
        })
    }
}
