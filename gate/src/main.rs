//! Starts a gate.

use anyhow::Context;
use clap::Parser;
use gate::App;
use gate::config::Config;
use proto::program::shutdown::until_told_to_end;
use proto::program::{failpoint, logs};
use proto::tls::Part;
use tokio::net::TcpListener;
use tracing::info;

fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    logs::init(config.program.log_format);
    let _failpoints = failpoint::set_up();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("cannot listen at {}: choose another --listen address, or stop what uses it", config.listen)
    })?;
    let exposed = config.program.expose(Part::Gate).await?;
    let app = App::build(&config).await?;
    let shutdown = until_told_to_end()?;
    info!(address = %listener.local_addr()?, cluster = config.cluster, "serving");
    exposed.readiness.ready_until(shutdown.clone());
    app.run(listener, shutdown).await
}
