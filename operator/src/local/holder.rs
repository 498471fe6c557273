//! Who listens on a port, read from `/proc`.

use super::process::{all_pids, command_line};

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its program, without the folder.
    pub command: String,
}

/// The process that listens on the TCP port; `None` if there is none, or it belongs to another user.
pub(super) fn of_port(port: u16) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let text: String = tables.iter().filter_map(|table| std::fs::read_to_string(table).ok()).collect();
    let inodes = text.lines().filter_map(|line| listening_inode(line, port));
    let inodes: Vec<String> = inodes.map(|inode| format!("socket:[{inode}]")).collect();
    let pid = all_pids().into_iter().find(|pid| holds_one_of(*pid, &inodes))?;
    let words = command_line(pid);
    let command = words.first().and_then(|w| w.rsplit('/').next()).unwrap_or("?").to_owned();
    Some(Holder { pid, command })
}

/// The socket of a line of `/proc/net/tcp` (see proc_net_tcp in the kernel's documentation), if it listens
/// on the port.
fn listening_inode(line: &str, port: u16) -> Option<&str> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let (_, in_hex) = local.rsplit_once(':')?;
    (u16::from_str_radix(in_hex, 16).ok()? == port && *state == LISTEN).then_some(*inode)
}

fn holds_one_of(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| {
        std::fs::read_link(file.path())
            .is_ok_and(|to| to.to_str().is_some_and(|to| sockets.iter().any(|s| s == to)))
    })
}
