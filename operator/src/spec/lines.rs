//! Where in the text each part of a cluster file stands.
//!
//! A mistake that only shows when parts are compared, such as two shards that overlap, is found in the typed
//! tree, which knows no lines. This index of the same text gives each path of the tree its place.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_saphyr::granit_parser::{Event, Parser, Span};

/// A place in the text; both numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The line.
    pub(super) line: usize,
    /// The column.
    pub(super) column: usize,
}

/// What stands in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A single value, without its quotes.
    Word(String),
    /// Keys with values.
    Mapping,
    /// Values one after the other.
    List,
}

/// The places of all paths, such as `spec.keyspaces[0].shards[1]`, and what stands there.
#[derive(Debug, Default)]
pub(super) struct Lines {
    places: BTreeMap<String, Place>,
    nodes: BTreeMap<String, Node>,
    /// Keys that their mapping has already.
    again: BTreeMap<Place, String>,
}

/// A mapping or sequence whose end has not come yet.
enum Open {
    Mapping { path: String, key: Option<String> },
    Sequence { path: String, next: usize },
}

impl Lines {
    /// The index of a text; of one that is no YAML, the part before the mistake.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = Self::default();
        let mut open: Vec<Open> = Vec::new();
        for event in Parser::new_from_str(text) {
            let Ok((event, span)) = event else { break };
            match event {
                Event::MappingStart(..) => {
                    let path = lines.enter(&mut open, span);
                    lines.nodes.entry(path.clone()).or_insert(Node::Mapping);
                    open.push(Open::Mapping { path, key: None });
                }
                Event::SequenceStart(..) => {
                    let path = lines.enter(&mut open, span);
                    lines.nodes.entry(path.clone()).or_insert(Node::List);
                    open.push(Open::Sequence { path, next: 0 });
                }
                Event::MappingEnd | Event::SequenceEnd => {
                    open.pop();
                }
                Event::Scalar(text, ..) => lines.scalar(&mut open, &text, span),
                Event::Alias(_) => {
                    lines.enter(&mut open, span);
                }
                _ => {}
            }
        }
        lines
    }

    /// Where the path stands; where it does not, its nearest ancestor.
    pub(super) fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return Place { line: 1, column: 1 },
            }
        }
    }

    /// What stands at a path; of an alias, that is not known.
    pub(super) fn node(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// The path of a key that stands at a place, but not for the first time in its mapping.
    pub(super) fn again_at(&self, place: Place) -> Option<&str> {
        self.again.get(&place).map(String::as_str)
    }

    /// The path that stands at a place: the last one that begins there or before.
    pub(super) fn path_at(&self, place: Place) -> &str {
        let before = self.places.iter().filter(|(_, at)| **at <= place);
        before.max_by_key(|(path, at)| (**at, path.len())).map_or("", |(path, _)| path.as_str())
    }

    /// The path of the mapping that a place stands for: a mapping is placed at one of its keys, or at its brace.
    pub(super) fn mapping_at(&self, place: Place) -> &str {
        let path = self.path_at(place);
        if self.places.get(path) != Some(&place) {
            return path;
        }
        path.rfind(['.', '[']).map_or("", |end| &path[..end])
    }

    fn scalar(&mut self, open: &mut [Open], text: &str, span: Span) {
        if let Some(Open::Mapping { path, key: key @ None }) = open.last_mut() {
            *key = Some(text.to_owned());
            let full = if path.is_empty() { text.to_owned() } else { format!("{path}.{text}") };
            let place = place_of(span);
            match self.places.entry(full) {
                Entry::Occupied(known) => {
                    self.again.insert(place, known.key().clone());
                }
                Entry::Vacant(new) => {
                    new.insert(place);
                }
            }
            return;
        }
        let path = self.enter(open, span);
        self.nodes.entry(path).or_insert_with(|| Node::Word(text.to_owned()));
    }

    /// Takes note of a value and gives its path. A mapping's value stands where its key does.
    fn enter(&mut self, open: &mut [Open], span: Span) -> String {
        match open.last_mut() {
            None => String::new(),
            Some(Open::Mapping { path, key }) => {
                let key = key.take().unwrap_or_default();
                if path.is_empty() { key } else { format!("{path}.{key}") }
            }
            Some(Open::Sequence { path, next }) => {
                let full = format!("{path}[{next}]");
                *next += 1;
                self.places.entry(full.clone()).or_insert(place_of(span));
                full
            }
        }
    }
}

fn place_of(span: Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_line() {
        let text = "a: 1\nb:\n  - x: {y: 2}\n  - z\n  - &m [1,\n     2]\nc: *m\n";
        let lines = Lines::of(text);
        let cases = [
            ("a", 1),
            ("b", 2),
            ("b[0]", 3),
            ("b[0].x.y", 3),
            ("b[1]", 4),
            ("b[2][1]", 6),
            ("c", 7),
            ("b[0].not.there", 3),
            ("nowhere", 1),
        ];
        for (path, line) in cases {
            assert_eq!(lines.place(path).line, line, "{path}");
        }
    }

    #[test]
    fn every_path_has_its_node() {
        let lines = Lines::of("a: 'one'\nb: [x, {c: }]\nd: *m\n");
        let word = |text: &str| Some(Node::Word(text.to_owned()));
        let cases = [
            ("a", word("one")),
            ("b", Some(Node::List)),
            ("b[0]", word("x")),
            ("b[1]", Some(Node::Mapping)),
            ("d", None),
            ("", Some(Node::Mapping)),
        ];
        for (path, expected) in cases {
            assert_eq!(lines.node(path), expected.as_ref(), "{path}");
        }
    }

    #[test]
    fn a_place_has_the_deepest_path_that_begins_there() {
        let lines = Lines::of("a: 1\nb:\n  port: 70000\n");
        assert_eq!(lines.path_at(Place { line: 3, column: 9 }), "b.port");
        assert_eq!(lines.path_at(Place { line: 1, column: 1 }), "a");
    }
}
