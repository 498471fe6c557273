//! Memory that connections cost a proxy while they stand idle.

use anyhow::{Context, Result};

use super::way::Prepared;
use crate::limits::IDLE_CONNECTIONS;
use crate::load::client::Client;
use crate::load::work::Step;

/// Resident memory of the process between, in KiB for each idle connection that has asked once. `None`: there is no
/// process between.
pub async fn of_an_idle_connection(way: &Prepared) -> Result<Option<f64>> {
    let Some(proxy) = way.proxy else { return Ok(None) };
    let before = resident(proxy)?;
    let mut clients = Vec::with_capacity(IDLE_CONNECTIONS);
    for _ in 0..IDLE_CONNECTIONS {
        let mut client = Client::connect(&way.endpoint).await?;
        client.ask(Step::Select { id: 1 }, &way.rows).await?;
        clients.push(client);
    }
    let grown = resident(proxy)?.saturating_sub(before);
    for client in clients {
        client.leave().await;
    }
    Ok(Some(grown as f64 / IDLE_CONNECTIONS as f64))
}

/// In KiB, from proc_pid_status(5).
fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("process {pid} tells no VmRSS"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_takes_memory_has_more() {
        let before = resident(std::process::id()).unwrap();
        let taken = vec![7_u8; 8 << 20];
        let after = resident(std::process::id()).unwrap();
        assert!(after >= before + 4096 && taken[4 << 20] == 7, "{before} {after}");
        assert!(resident(u32::MAX).is_err());
    }
}
