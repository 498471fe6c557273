//! `shoal`: the command line.

fn main() -> std::process::ExitCode {
    operator::cli::main()
}
