//! The exceptions from the size rules, by name and with their present size: they may shrink and go, never grow.

/// A file over the wish, with its lines.
#[derive(Debug, Clone, Copy)]
pub struct LongFile {
    /// The file.
    pub path: &'static str,
    /// How many lines it has.
    pub lines: usize,
}

/// A function over the bound, with its lines.
#[derive(Debug, Clone, Copy)]
pub struct LongFunction {
    /// Its file.
    pub path: &'static str,
    /// The function.
    pub name: &'static str,
    /// How many lines it has.
    pub lines: usize,
}

/// Files over the wish.
pub const LONG_FILES: &[LongFile] = &[];

/// Functions over the bound.
pub const LONG_FUNCTIONS: &[LongFunction] = &[];
