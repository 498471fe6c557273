//! The secrets from which the passwords of the MySQL accounts are derived; made once.

use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proto::account::{AGENT_SECRET_FILE, DATA_SECRET_FILE};

use super::layout::{Layout, make_private_dir, write_whole};

/// Bytes of randomness in a secret.
const SECRET_BYTES: usize = 32;

/// Makes what is missing: the data secret for gates and tablets, the agent secret for tablets only.
pub(super) fn make_secrets(layout: &Layout) -> io::Result<()> {
    let (gate, tablet) = (layout.gate_secrets(), layout.tablet_secrets());
    make_private_dir(&gate)?;
    make_private_dir(&tablet)?;
    make(&tablet.join(AGENT_SECRET_FILE), &random()?)?;
    make(&tablet.join(DATA_SECRET_FILE), &random()?)?;
    let data = std::fs::read_to_string(tablet.join(DATA_SECRET_FILE))?;
    make(&gate.join(DATA_SECRET_FILE), data.trim())
}

/// Takes from others than the owner what they may do with secrets, also with those that somebody put there.
/// Where a link leads is not this cluster's to change.
pub(super) fn make_secrets_private(layout: &Layout) -> io::Result<()> {
    make_private(&layout.secrets())
}

fn make_private(path: &Path) -> io::Result<()> {
    let metadata = path.symlink_metadata()?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))?;
    }
    if metadata.is_dir() {
        std::fs::read_dir(path)?.try_for_each(|entry| make_private(&entry?.path()))?;
    }
    Ok(())
}

fn make(file: &Path, secret: &str) -> io::Result<()> {
    if file.exists() { Ok(()) } else { write_whole(file, format!("{secret}\n").as_bytes()) }
}

fn random() -> io::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use proto::account::Secret;
    use proto::tls::{KEY_FILE, Part};

    use super::*;

    #[test]
    fn secrets_are_made_once_private_and_the_gate_has_the_data_secret_only() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).unwrap();
        make_secrets(&layout).unwrap();
        let read = |dir: &Path, file| std::fs::read_to_string(dir.join(file)).unwrap();
        let data = read(&layout.tablet_secrets(), DATA_SECRET_FILE);
        let agent = read(&layout.tablet_secrets(), AGENT_SECRET_FILE);
        assert_ne!(data, agent);
        assert_eq!(read(&layout.gate_secrets(), DATA_SECRET_FILE), data);
        assert!(!layout.gate_secrets().join(AGENT_SECRET_FILE).exists());
        assert!(Secret::read(&layout.tablet_secrets(), AGENT_SECRET_FILE).is_ok());
        let mode = |p: &Path| p.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&layout.gate_secrets()), 0o700);
        assert_eq!(mode(&layout.gate_secrets().join(DATA_SECRET_FILE)), 0o600);
        let (given, elsewhere) = (layout.tls(Part::Gate), dir.path().join("elsewhere"));
        make_private_dir(&given).unwrap();
        let loose = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for file in [&given.join(KEY_FILE), &elsewhere] {
            std::fs::write(file, "key").unwrap();
            loose(file, 0o644);
        }
        std::os::unix::fs::symlink(&elsewhere, given.join("link")).unwrap();
        loose(&given, 0o755);
        loose(&layout.secrets(), 0o755);
        make_secrets_private(&layout).unwrap();
        let modes = [&layout.secrets(), &given, &given.join(KEY_FILE), &elsewhere].map(|path| mode(path));
        assert_eq!(modes, [0o700, 0o700, 0o600, 0o644]);

        std::fs::remove_file(layout.gate_secrets().join(DATA_SECRET_FILE)).unwrap();
        make_secrets(&layout).unwrap();
        assert_eq!(read(&layout.tablet_secrets(), DATA_SECRET_FILE), data);
        assert_eq!(read(&layout.gate_secrets(), DATA_SECRET_FILE), data);
    }
}
