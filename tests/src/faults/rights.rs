//! What a test may do to the machine, looked at before it tries, so that one sentence says what is missing.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context, Result, bail};

/// Capabilities that networks and disks need, by their bit in the kernel's masks: addresses and links; namespaces and
/// mounts.
const NEEDED: [(u32, &str); 2] = [(12, "CAP_NET_ADMIN"), (21, "CAP_SYS_ADMIN")];
/// What is done about it.
const CURE: &str = "run the tests as root (in a container: with --privileged) where iproute2 and util-linux are \
                    installed, or leave out the test target `faults` and the library tests below `faults`";

/// Fails unless this process may make networks and mount disks, and finds the programs.
pub(super) fn check(programs: &[&str]) -> Result<()> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let path = env::var_os("PATH").unwrap_or_default();
    let has =
        |program: &str| env::split_paths(&path).any(|folder: std::path::PathBuf| is_there(&folder, program));
    match lacking(&status, programs, has) {
        lacks if lacks.is_empty() => Ok(()),
        lacks => {
            bail!("a network or a disk of a test's own cannot be made without {}: {CURE}", lacks.join(", "))
        }
    }
}

fn is_there(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}

/// What is missing, by the text of `/proc/self/status`.
fn lacking<'a>(status: &str, programs: &[&'a str], has: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let capabilities = NEEDED.iter().filter(|(bit, _)| mask & (1 << bit) == 0).map(|(_, name)| *name);
    capabilities.chain(programs.iter().copied().filter(|program| !has(program))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let status = |mask: &str| format!("Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t{mask}\n");
        let (all, none) = ("000001ffffffffff", "0000000000000000");
        // What a container has unless told otherwise.
        let container = "00000000a80425fb";
        let both = vec!["CAP_NET_ADMIN", "CAP_SYS_ADMIN"];
        assert!(lacking(&status(all), &["ip"], |_| true).is_empty());
        assert_eq!(lacking(&status(container), &["ip"], |_| true), both);
        assert_eq!(lacking(&status(none), &[], |_| true), both);
        assert_eq!(lacking(&status(all), &["ip", "nsenter"], |program| program == "ip"), ["nsenter"]);
        assert_eq!(lacking("", &[], |_| true), both);
    }
}
