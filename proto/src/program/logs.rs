//! The log: one line an event, on stderr.

use std::fmt;
use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// What is logged if `RUST_LOG` does not say otherwise.
const DEFAULT_FILTER: &str = "info";

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: time, level, place, text, then the values.
    #[default]
    Text,
    /// For machines: one JSON object a line, with timestamp, level, target, message and the values.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Starts the log of this process. For main, once, before anything is logged.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).init(),
    }
}
