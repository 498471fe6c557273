//! TLS between Shoal's own programs: who each of them is, and how it knows the others.
//!
//! Every program has a directory with three files, and every connection is checked at both ends: servers take
//! no client without a certificate under the cluster's CA, clients take only a server whose certificate
//! carries the name of the part that they look for, whatever address it has. Clients of a gate are another
//! matter: they log in as to any MySQL, under a certificate that the gate's operator chooses.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tonic::transport::{Certificate, ClientTlsConfig, ServerTlsConfig};

use crate::limits::CONNECT_TIMEOUT;

/// File with the certificates of the CA, in the directory of an identity.
pub const CA_FILE: &str = "ca.pem";
/// File with the program's certificate, followed by those between it and the CA, if any.
pub const CERTIFICATE_FILE: &str = "cert.pem";
/// File with the private key of the certificate.
pub const KEY_FILE: &str = "key.pem";

/// A part of a cluster that others connect to, or that connects to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The store of the topology.
    Etcd,
    /// The control service.
    Control,
    /// An agent and its mysqld.
    Tablet,
    /// A gate.
    Gate,
    /// A person at the command line.
    Client,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 5] = [Self::Etcd, Self::Control, Self::Tablet, Self::Gate, Self::Client];

    /// The part in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Control => "control",
            Self::Tablet => "tablet",
            Self::Gate => "gate",
            Self::Client => "client",
        }
    }

    /// The DNS name that the certificate of such a part carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd.shoal",
            Self::Control => "control.shoal",
            Self::Tablet => "tablet.shoal",
            Self::Gate => "gate.shoal",
            Self::Client => "client.shoal",
        }
    }

    /// The same name, as rustls takes it.
    pub fn server_name(self) -> Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError> {
        ServerName::try_from(self.name())
    }
}

/// Why a program has no identity. Every text names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file is not there, cannot be read, or holds no PEM of the right kind.
    #[error(
        "cannot read {what} from {path}: {source}; --tls names a directory with {CA_FILE}, {CERTIFICATE_FILE} and {KEY_FILE}"
    )]
    Unreadable {
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The CA's file holds something that is no CA.
    #[error("{path} holds no usable CA: {source}; put the certificate of the cluster's CA there")]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("{path} cannot be used with the {KEY_FILE} beside it: {source}; make both again together")]
    Pair {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The certificate is not one that the other parts would take.
    #[error(
        "the other parts would not take {path}: {source}; it has to be signed by the {CA_FILE} beside it, be valid now, and be for servers and for clients"
    )]
    NotTaken {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Who a program is towards the others, and by what it knows them. Cheap to clone.
///
/// The files are read once; a program is restarted to take new ones.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    ca: Certificate,
    pair: tonic::transport::Identity,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key stays out of logs.
        f.debug_tuple("Identity").field(&self.0.dir).finish()
    }
}

impl Identity {
    /// Reads the three files of the directory and checks that they belong together.
    pub fn read(dir: &Path) -> Result<Self, IdentityError> {
        let (ca_path, path, key_path) = (dir.join(CA_FILE), dir.join(CERTIFICATE_FILE), dir.join(KEY_FILE));
        let ca_pem = text(&ca_path, "the CA's certificate")?;
        let pem = text(&path, "a certificate")?;
        let key_pem = text(&key_path, "a private key")?;

        let roots = Arc::new(roots(&ca_pem, &ca_path)?);
        let chain = certificates(&pem, &path, "a certificate")?;
        let key = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|source| IdentityError::Unreadable {
            what: "a private key",
            path: key_path,
            source,
        })?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))
            .map_err(|source| IdentityError::Ca { path: ca_path, source })?;

        let pair = |source| IdentityError::Pair { path: path.clone(), source };
        let server = server_config(&chain, &key, Arc::clone(&verifier)).map_err(pair)?;
        let client = client_config(&chain, &key, roots).map_err(pair)?;
        let (own, between) = chain.split_first().ok_or_else(|| IdentityError::Unreadable {
            what: "a certificate",
            path: path.clone(),
            source: pem::Error::NoItemsFound,
        })?;
        verifier
            .verify_client_cert(own, between, UnixTime::now())
            .map_err(|source| IdentityError::NotTaken { path: path.clone(), source })?;

        Ok(Self(Arc::new(Inner {
            dir: dir.to_owned(),
            server: Arc::new(server),
            client: Arc::new(client),
            ca: Certificate::from_pem(ca_pem),
            pair: tonic::transport::Identity::from_pem(pem, key_pem),
        })))
    }

    /// Where the files are, for those who hand their names to another program.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// For a server that takes only clients with a certificate under the CA.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.server)
    }

    /// For a client; it names the part that it looks for with [`Part::server_name`].
    pub fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.client)
    }

    /// For a gRPC server that takes only clients with a certificate under the CA.
    pub fn tonic_server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(self.0.pair.clone())
            .client_ca_root(self.0.ca.clone())
            .timeout(CONNECT_TIMEOUT)
    }

    /// For a gRPC client of such a part.
    pub fn tonic_client(&self, part: Part) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .domain_name(part.name())
            .ca_certificate(self.0.ca.clone())
            .identity(self.0.pair.clone())
            .timeout(CONNECT_TIMEOUT)
    }
}

/// Named wherever rustls is set up: a default of the whole process would depend on who came first.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn text(path: &Path, what: &'static str) -> Result<Vec<u8>, IdentityError> {
    std::fs::read(path).map_err(|error| IdentityError::Unreadable {
        what,
        path: path.to_owned(),
        source: pem::Error::Io(error),
    })
}

fn certificates(
    pem: &[u8],
    path: &Path,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .and_then(|found| if found.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(found) })
        .map_err(|source| IdentityError::Unreadable { what, path: path.to_owned(), source })
}

fn roots(pem: &[u8], path: &Path) -> Result<RootCertStore, IdentityError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, path, "the CA's certificate")? {
        roots.add(certificate).map_err(|source| IdentityError::Ca { path: path.to_owned(), source })?;
    }
    Ok(roots)
}

fn server_config(
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain.to_vec(), key.clone_key())
}

fn client_config(
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    roots: Arc<RootCertStore>,
) -> Result<ClientConfig, rustls::Error> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain.to_vec(), key.clone_key())
}

#[cfg(test)]
mod tests;
