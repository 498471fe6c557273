//! What valgrind counts of a program between: instructions (callgrind) and heap allocations (dhat).
//!
//! A copy of the program runs under valgrind, serves statements and is told to end. Callgrind is told when to count;
//! for dhat another copy serves fewer statements, and the difference is what the others took: the start and the login
//! fall out of it. Both figures are of the whole process, in user space, and hardly depend on what else the machine does.

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tempfile::NamedTempFile;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

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
            Self::Callgrind => ("callgrind", &["--callgrind-out-file=/dev/null", "--instr-atstart=no"][..]),
            Self::Dhat => ("dhat", &["--dhat-out-file=/dev/null"][..]),
        };
        // A program on PATH may be a script that becomes another one.
        let log = format!("--log-file={}", log.display());
        let tool = format!("--tool={tool}");
        let words = [&["valgrind", "--trace-children=yes", &tool, &log], output].concat();
        words.into_iter().map(str::to_owned).collect()
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
    let counted = async {
        let all = run((program, way), work, COUNTED_STATEMENTS, tool).await?;
        if tool == Tool::Callgrind {
            return Ok(all.count / all.statements as f64);
        }
        let few = run((program, way), work, 0, tool).await?;
        Ok((all.count - few.count) / all.statements as f64)
    };
    let counted: Result<f64> = counted.await;
    Ok(counted.map_err(|error| format!("{error:#}")))
}

/// What was counted in a run.
struct Run {
    /// Statements after those that warmed it up.
    statements: usize,
    /// By the tool, until its end.
    count: f64,
}

/// Serves at least so many statements when it is warm.
async fn run((program, way): (&Program, &Prepared), work: Work, wanted: usize, tool: Tool) -> Result<Run> {
    let log = NamedTempFile::new()?;
    let proxy = Proxy::start_under(program, &tool.command(log.path()), VALGRIND_TIMEOUT).await?;
    let endpoint = Endpoint { address: proxy.address(), ..way.endpoint.clone() };
    let mut client = connect(&endpoint).await?;
    let (mut random, mut steps) = (Random::new(1), Vec::new());
    let mut serve = async |wanted: usize| -> Result<usize> {
        let mut done = 0;
        while done < wanted {
            work.steps(0, &way.rows, &mut random, &mut steps);
            for step in &steps {
                client.ask(*step, &way.rows).await?;
            }
            done += steps.len();
        }
        Ok(done)
    };
    serve(WARM_STATEMENTS).await?;
    if tool == Tool::Callgrind {
        turn_counting(&proxy, "on").await?;
    }
    let statements = serve(wanted).await?;
    if tool == Tool::Callgrind {
        turn_counting(&proxy, "off").await?;
    }
    client.leave().await;
    proxy.end(VALGRIND_TIMEOUT).await?;
    let said = std::fs::read_to_string(log.path())?;
    let count = tool.count(&said).with_context(|| format!("valgrind said {said:?}"))?;
    Ok(Run { statements, count })
}

async fn turn_counting(proxy: &Proxy, what: &str) -> Result<()> {
    let mut command = Command::new("callgrind_control");
    command.args(["-i", what, &proxy.pid()?.to_string()]).stdin(Stdio::null()).kill_on_drop(true);
    let output =
        timeout(VALGRIND_TIMEOUT, command.output()).await.context("callgrind_control does not end")?;
    let output = output.context("callgrind_control does not run")?;
    ensure!(output.status.success(), "callgrind_control: {}", String::from_utf8_lossy(&output.stdout).trim());
    Ok(())
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
