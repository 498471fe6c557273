//! What valgrind counts of a program between: instructions (callgrind) and heap allocations (dhat).
//!
//! A copy of the program runs under valgrind, serves statements and is told to end; then another one serves more of them.
//! The difference is what the statements took: the start and the login fall out of it. Both figures are of the whole
//! process, in user space, and hardly depend on what else the machine does.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tempfile::NamedTempFile;
use tokio::time::sleep;

use super::trace::Counted;
use super::way::Prepared;
use crate::limits::{COUNTED_STATEMENTS, POLL_INTERVAL, VALGRIND_TIMEOUT, WARM_STATEMENTS};
use crate::load::client::{Client, Endpoint};
use crate::load::rows::Random;
use crate::load::work::Work;
use crate::proxies::{Program, Proxy};

/// A tool of valgrind's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Counts instructions.
    Callgrind,
    /// Counts heap allocations.
    Dhat,
}

impl Tool {
    fn command(self, log: &Path) -> Vec<String> {
        let (tool, output) = match self {
            Self::Callgrind => ("callgrind", "--callgrind-out-file=/dev/null"),
            Self::Dhat => ("dhat", "--dhat-out-file=/dev/null"),
        };
        // A program on PATH may be a script that becomes another one.
        let log = format!("--log-file={}", log.display());
        let words = ["valgrind", "--trace-children=yes", &format!("--tool={tool}"), output, &log];
        words.map(str::to_owned).to_vec()
    }

    /// What it says at the end: `Collected : N`, or `Total: N bytes in N blocks`.
    fn count(self, log: &str) -> Option<f64> {
        let after = |mark: &str| log.rsplit_once(mark).map(|(_, rest)| rest.trim_start());
        let text = match self {
            Self::Callgrind => after("Collected :")?,
            Self::Dhat => after("Total:")?.split_once(" in ")?.1,
        };
        let digits: String =
            text.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',').collect();
        digits.parse().ok()
    }
}

/// What the program between takes for one statement; or why that cannot be counted. To be asked of ways with one only.
pub async fn per_statement(way: &Prepared, work: Work, tool: Tool) -> Result<Counted<f64>> {
    let program = way.program.as_ref().context("there is no process to count for")?;
    let mut taken = Vec::new();
    for wanted in [WARM_STATEMENTS, WARM_STATEMENTS + COUNTED_STATEMENTS] {
        match run(program, way, (work, wanted), tool).await {
            Ok(counted) => taken.push(counted),
            Err(error) => return Ok(Err(format!("{error:#}"))),
        }
    }
    let [(few, before), (many, after)] = taken[..] else { return Ok(Err("nothing was counted".to_owned())) };
    Ok(Ok((after - before) / (many - few) as f64))
}

/// Serves at least so many statements; their number, and what was counted until the end.
async fn run(
    program: &Program,
    way: &Prepared,
    (work, wanted): (Work, usize),
    tool: Tool,
) -> Result<(usize, f64)> {
    let log = NamedTempFile::new()?;
    let proxy = Proxy::start_under(program, &tool.command(log.path()), VALGRIND_TIMEOUT).await?;
    let endpoint = Endpoint { address: proxy.address(), ..way.endpoint.clone() };
    let mut client = connect(&endpoint).await?;
    let (mut random, mut steps, mut done) = (Random::new(1), Vec::new(), 0);
    while done < wanted {
        work.steps(0, &way.rows, &mut random, &mut steps);
        for step in &steps {
            client.ask(*step, &way.rows).await?;
        }
        done += steps.len();
    }
    client.leave().await;
    proxy.end(VALGRIND_TIMEOUT).await?;
    let said = std::fs::read_to_string(log.path())?;
    let count = tool.count(&said).with_context(|| format!("valgrind said {said:?}"))?;
    Ok((done, count))
}

/// The first login may take longer under valgrind than one is waited for; later ones are shorter.
async fn connect(endpoint: &Endpoint) -> Result<Client> {
    let deadline = Instant::now() + VALGRIND_TIMEOUT;
    loop {
        match Client::connect(endpoint).await {
            Err(_) if Instant::now() < deadline => sleep(POLL_INTERVAL).await,
            connected => return connected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_valgrind_are_read() {
        let callgrind = "==7== \n==7== Events    : Ir\n==7== Collected : 142805955\n==7== \n";
        assert_eq!(Tool::Callgrind.count(callgrind), Some(142_805_955.0));
        let dhat =
            "==7== Total:     2,855,136 bytes in 20,347 blocks\n==7== At t-gmax: 1 bytes in 9 blocks\n";
        assert_eq!(Tool::Dhat.count(dhat), Some(20_347.0));
        assert_eq!((Tool::Callgrind.count(dhat), Tool::Dhat.count(callgrind)), (None, None));
    }
}
