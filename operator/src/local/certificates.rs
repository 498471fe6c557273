//! The certificates by which the parts of a local cluster know each other; made at its first start.
//!
//! ```text
//!   secrets/tls/authority/  ca.pem, ca-key.pem            signs what is missing
//!   secrets/tls/<part>/     ca.pem, cert.pem, key.pem     what the part is given
//! ```
//!
//! Whoever has certificates of their own puts them into the parts' folders before the first start; what is
//! there is kept.

use std::io;
use std::path::{Path, PathBuf};

use proto::tls::{CA_FILE, CERTIFICATE_FILE, Identity, IdentityError, KEY_FILE, Part};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use super::layout::{Layout, make_private_dir, write_whole};

/// The files of a part.
const FILES: [&str; 3] = [CA_FILE, CERTIFICATE_FILE, KEY_FILE];
/// File with the authority's private key.
const CA_KEY_FILE: &str = "ca-key.pem";
/// Years between which the certificates are valid: nobody renews those of a cluster on one machine.
const VALID: (i32, i32) = (2020, 2120);

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A part's folder has some of its files.
    #[error("{} has no {}; put {} there, or remove the folder to have all of them made", .folder.display(), .missing.join(" and no "), FILES.join(", "))]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// The files that are not there.
        missing: Vec<&'static str>,
    },
    /// Some parts have certificates of somebody else's.
    #[error("{} has no certificate, and the key that signed those of the other parts is not in {}; put {} there", .folder.display(), .authority.display(), FILES.join(", "))]
    Foreign {
        /// The folder of a part that has none.
        folder: PathBuf,
        /// Where the key would be.
        authority: PathBuf,
    },
    /// What is there cannot be used.
    #[error(transparent)]
    Unusable(#[from] IdentityError),
    /// A certificate could not be made.
    #[error("cannot make certificates in {0}: {1}")]
    NotMade(PathBuf, rcgen::Error),
    /// A file could not be used.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// Makes what is missing, and checks that every part can use what it has.
pub(super) fn make_certificates(layout: &Layout, cluster: &str) -> Result<(), CertificateError> {
    let mut without = Vec::new();
    for part in Part::ALL {
        if !is_complete(&layout.tls(part))? {
            without.push(part);
        }
    }
    if let Some(first) = without.first() {
        let authority = layout.tls_authority();
        let there = authority.join(CA_KEY_FILE).exists() && authority.join(CA_FILE).exists();
        if !there && without.len() < Part::ALL.len() {
            return Err(CertificateError::Foreign { folder: layout.tls(*first), authority });
        }
        let authority = Authority::of(&authority, cluster)?;
        for part in without {
            authority.sign(part, &layout.tls(part))?;
        }
    }
    Part::ALL.into_iter().try_for_each(|part| Ok(Identity::read(&layout.tls(part)).map(drop)?))
}

/// Whether the folder has all files of a part; an error if it has some.
fn is_complete(folder: &Path) -> Result<bool, CertificateError> {
    let missing: Vec<&str> = FILES.into_iter().filter(|file| !folder.join(file).exists()).collect();
    match missing.len() {
        0 => Ok(true),
        all if all == FILES.len() => Ok(false),
        _ => Err(CertificateError::Incomplete { folder: folder.to_owned(), missing }),
    }
}

/// Who signs the parts' certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The one of this folder; a new one if there is none.
    fn of(folder: &Path, cluster: &str) -> Result<Self, CertificateError> {
        let not_made = |error| CertificateError::NotMade(folder.to_owned(), error);
        let (pem_file, key_file) = (folder.join(CA_FILE), folder.join(CA_KEY_FILE));
        let params = authority_params(cluster);
        // The certificate is written last: where it is, the key is.
        if !pem_file.exists() {
            let key = KeyPair::generate().map_err(not_made)?;
            let pem = params.self_signed(&key).map_err(not_made)?.pem();
            make_private_dir(folder).map_err(io_error(folder))?;
            write_whole(&key_file, key.serialize_pem().as_bytes()).map_err(io_error(&key_file))?;
            write_whole(&pem_file, pem.as_bytes()).map_err(io_error(&pem_file))?;
        }
        let read = |file: &Path| std::fs::read_to_string(file).map_err(io_error(file));
        let key = KeyPair::from_pem(&read(&key_file)?).map_err(not_made)?;
        Ok(Self { pem: read(&pem_file)?, issuer: Issuer::new(params, key) })
    }

    /// Makes the part's folder with all its files, or nothing.
    fn sign(&self, part: Part, folder: &Path) -> Result<(), CertificateError> {
        let not_made = |error| CertificateError::NotMade(folder.to_owned(), error);
        let key = KeyPair::generate().map_err(not_made)?;
        let certificate = part_params(part).and_then(|params| params.signed_by(&key, &self.issuer));
        let certificate = certificate.map_err(not_made)?;
        let new = folder.with_extension("new");
        make_private_dir(&new).map_err(io_error(&new))?;
        let files = [
            (CA_FILE, self.pem.clone()),
            (CERTIFICATE_FILE, certificate.pem()),
            (KEY_FILE, key.serialize_pem()),
        ];
        for (file, pem) in files {
            write_whole(&new.join(file), pem.as_bytes()).map_err(io_error(&new))?;
        }
        std::fs::rename(&new, folder).map_err(io_error(folder))
    }
}

fn authority_params(cluster: &str) -> CertificateParams {
    let mut params = named(&format!("Shoal cluster {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Every part is server and client: etcd connects to itself, a tablet's mysqld to that of another one.
fn part_params(part: Part) -> Result<CertificateParams, rcgen::Error> {
    let names = [part.name(), "localhost", "127.0.0.1"].map(str::to_owned);
    let mut params = named(part.name());
    params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(VALID.0, 1, 1);
    params.not_after = date_time_ymd(VALID.1, 1, 1);
    params
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> CertificateError + use<> {
    let path = path.to_owned();
    move |error| CertificateError::Io(path, error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::spec::Tls;

    fn read(layout: &Layout, part: Part, file: &str) -> String {
        std::fs::read_to_string(layout.tls(part).join(file)).unwrap()
    }

    #[test]
    fn certificates_are_made_once_and_a_lost_one_again_by_the_same_authority() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        make_certificates(&layout, "shop").unwrap();
        let all = || Part::ALL.map(|part| FILES.map(|file| read(&layout, part, file)));
        let first = all();
        make_certificates(&layout, "shop").unwrap();
        assert_eq!(all(), first);
        let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(layout.tls_authority()), 0o700);
        assert_eq!(mode(layout.tls_authority().join(CA_KEY_FILE)), 0o600);
        assert_eq!(mode(layout.tls(Part::Tablet).join(KEY_FILE)), 0o600);

        std::fs::remove_dir_all(layout.tls(Part::Gate)).unwrap();
        make_certificates(&layout, "shop").unwrap();
        let again = all();
        assert_ne!(again, first);
        assert_eq!(read(&layout, Part::Gate, CA_FILE), read(&layout, Part::Etcd, CA_FILE));
        // Reading checks that the authority's certificate signed it.
        Identity::read(&layout.tls(Part::Gate)).unwrap();
    }

    #[test]
    fn where_the_cluster_speaks_tls_a_lost_certificate_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        make_certificates(&layout, "shop").unwrap();
        assert!(layout.identity(Part::Client, Tls::On).unwrap().is_some());
        std::fs::remove_dir_all(layout.tls(Part::Client)).unwrap();
        assert!(layout.identity(Part::Client, Tls::On).is_err());
        assert!(layout.identity(Part::Client, Tls::Off).unwrap().is_none());
    }

    #[test]
    fn given_certificates_are_kept_and_what_is_missing_beside_them_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        make_certificates(&layout, "shop").unwrap();
        std::fs::remove_dir_all(layout.tls_authority()).unwrap();
        make_certificates(&layout, "shop").unwrap();
        assert!(!layout.tls_authority().exists());

        std::fs::remove_file(layout.tls(Part::Gate).join(KEY_FILE)).unwrap();
        let said = make_certificates(&layout, "shop").unwrap_err().to_string();
        assert!(said.contains("tls/gate has no key.pem; put ca.pem, cert.pem, key.pem there"), "{said}");
        std::fs::remove_dir_all(layout.tls(Part::Gate)).unwrap();
        let said = make_certificates(&layout, "shop").unwrap_err().to_string();
        assert!(said.contains("tls/gate has no certificate, and the key"), "{said}");

        let other = Layout::new(&dir.path().join("other")).unwrap();
        make_certificates(&other, "other").unwrap();
        std::fs::rename(other.tls(Part::Gate), layout.tls(Part::Gate)).unwrap();
        std::fs::copy(layout.tls(Part::Etcd).join(CA_FILE), layout.tls(Part::Gate).join(CA_FILE)).unwrap();
        let said = make_certificates(&layout, "shop").unwrap_err().to_string();
        assert!(said.contains("tls/gate/cert.pem"), "{said}");
    }
}
