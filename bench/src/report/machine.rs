//! Where figures come from: they mean little without it.

use std::fs;

use serde::Serialize;

/// The machine and the build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// Model name of the processor.
    pub processor: String,
    /// Cores that the bench may use.
    pub cores: usize,
    /// Release of the kernel.
    pub kernel: String,
    /// Version of MySQL.
    pub mysql: String,
    /// `release`, or `debug`, whose figures mean nothing.
    pub build: &'static str,
}

impl Machine {
    /// This one.
    pub fn this(mysql: &str) -> Self {
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.trim().to_owned(),
            mysql: mysql.to_owned(),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

fn processor(cpuinfo: &str) -> String {
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: A Processor @ 2 GHz\n"), "A Processor @ 2 GHz");
        assert_eq!(processor(""), std::env::consts::ARCH);
        assert!(Machine::this("9.7.4").cores > 0);
    }
}
