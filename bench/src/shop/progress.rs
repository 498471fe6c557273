//! How far a load is: a bar on a terminal, a line at every tenth elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::Mutex;
use std::time::Instant;

use crate::limits::BAR_INTERVAL;

const WIDTH: u64 = 30;
const TENTHS: u64 = 10;

/// Rows that are loaded of those that are to be.
#[derive(Debug)]
pub struct Progress {
    total: u64,
    began: Instant,
    on_terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rows: u64,
    shown: Option<Instant>,
    tenths: u64,
}

impl Progress {
    /// Nothing is loaded yet.
    pub fn new(total: u64) -> Self {
        let state = State { rows: 0, shown: None, tenths: 0 };
        Self { total, began: Instant::now(), on_terminal: stderr().is_terminal(), state: Mutex::new(state) }
    }

    /// Shows it as it is, before anything is loaded.
    pub fn show(&self) {
        self.add(0);
    }

    /// So many more are loaded.
    pub fn add(&self, rows: u64) {
        // A thread that panicked with it has ended the load anyway.
        let Ok(mut state) = self.state.lock() else { return };
        state.rows += rows;
        let text = bar(state.rows, self.total, self.began.elapsed().as_secs_f64());
        if self.on_terminal {
            let all = state.rows >= self.total;
            if all || state.shown.is_none_or(|at| at.elapsed() >= BAR_INTERVAL) {
                state.shown = Some(Instant::now());
                // Whoever closed the terminal does not want to see it.
                let _ = write!(stderr(), "\r{text}\x1b[K");
            }
        } else {
            let tenths = state.rows * TENTHS / self.total.max(1);
            if tenths > state.tenths {
                state.tenths = tenths;
                let _ = writeln!(stderr(), "{text}");
            }
        }
    }

    /// Nothing more will come; what is printed next begins on a line of its own.
    pub fn done(&self) {
        if self.on_terminal {
            let _ = writeln!(stderr());
        }
    }
}

fn bar(rows: u64, total: u64, seconds: f64) -> String {
    let full = WIDTH * rows / total.max(1);
    let bar: String = (0..WIDTH).map(|place| if place < full { '#' } else { '.' }).collect();
    let percent = 100 * rows / total.max(1);
    let mut text = format!("[{bar}] {percent:>3} %  {} of {} rows", grouped(rows), grouped(total));
    if rows > 0 && seconds > 0.0 {
        let a_second = rows as f64 / seconds;
        text += &format!("  {}/s", grouped(a_second as u64));
        if rows < total {
            text += &format!("  {:.0} s left", (total - rows) as f64 / a_second);
        }
    }
    text
}

/// A number with a comma before every three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 231_400, 1_000_000].map(grouped),
            ["0", "999", "1,000", "231,400", "1,000,000"]
        );
    }

    #[test]
    fn a_bar_tells_how_long_it_will_take() {
        assert_eq!(
            bar(50_000, 200_000, 2.0),
            "[#######.......................]  25 %  50,000 of 200,000 rows  25,000/s  6 s left"
        );
        assert_eq!(bar(10, 10, 1.0), "[##############################] 100 %  10 of 10 rows  10/s");
        assert_eq!(bar(0, 10, 0.0), "[..............................]   0 %  0 of 10 rows");
    }
}
