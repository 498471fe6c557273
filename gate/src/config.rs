//! The gate's command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use proto::program::Flags;

/// The SQL proxy of Shoal: speaks the MySQL protocol to applications and sends every statement to the shard
/// that holds its rows.
///
/// A gate keeps nothing: run as many as you like, and restart them as you like.
#[derive(Debug, Clone, Parser)]
#[command(
    name = "shoal-gate",
    version,
    after_help = "Example:\n  shoal-gate --cluster shop --etcd http://127.0.0.1:2379 --listen 127.0.0.1:3306 --secrets /etc/shoal/secrets\n\nThen connect as to any MySQL:\n  mysql -h 127.0.0.1 -P 3306 -u app -p"
)]
pub struct Config {
    /// Name of the cluster, as in its cluster file
    #[arg(long)]
    pub cluster: String,
    /// Client URLs of etcd, where the cluster's topology is
    #[arg(long, value_delimiter = ',', required = true, value_name = "URL")]
    pub etcd: Vec<String>,
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:3306", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// Directory with the file data.secret, from which the passwords of the accounts behind are derived
    #[arg(long, value_name = "DIRECTORY")]
    pub secrets: PathBuf,
    /// What every program takes
    #[command(flatten)]
    pub program: Flags,
    /// Threads that serve clients [default: one per core]
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<usize>,
    /// Certificate chain for clients that ask for TLS, as PEM [default: one of its own, made at start]
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, as PEM
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}
