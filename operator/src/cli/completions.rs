//! `shoal completions`.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};

use super::CliError;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(shoal completions bash)       for this shell
  shoal completions bash > ~/.local/share/bash-completion/completions/shoal
  shoal completions zsh > ~/.zfunc/_shoal          with ~/.zfunc in fpath, before compinit
  shoal completions fish > ~/.config/fish/completions/shoal.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: KnownShell,
}

/// A shell that completes words by a script.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum KnownShell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script for the program's whole command line.
pub(super) fn run(args: &CompletionsArgs, mut program: Command) -> Result<ExitCode, CliError> {
    let shell = match args.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut program, "shoal", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
