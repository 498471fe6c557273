//! `shoal local down`.

use std::process::ExitCode;

use super::{CliError, say};
use crate::local::down::down;
use crate::local::layout::Layout;

pub(super) async fn run(layout: &Layout) -> Result<ExitCode, CliError> {
    down(layout, &mut say).await?;
    Ok(ExitCode::SUCCESS)
}
