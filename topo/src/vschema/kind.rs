use crate::records::VindexDefinition;
use crate::vindex::Vindex;

/// What Shoal makes of a vindex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A function that Shoal has: rows lie by it.
    Served,
    /// A table that leads from a value to one keyspace ID.
    UniqueLookup,
    /// A table that leads from a value to several keyspace IDs.
    Lookup,
    /// A function of Vitess that Shoal does not have yet.
    NotYet,
}

/// Vitess' lookups to one keyspace ID.
const UNIQUE_LOOKUPS: [&str; 4] =
    ["consistent_lookup_unique", "lookup_hash_unique", "lookup_unicodeloosemd5_hash_unique", "lookup_unique"];
/// Vitess' lookups to several.
const LOOKUPS: [&str; 4] = ["consistent_lookup", "lookup", "lookup_hash", "lookup_unicodeloosemd5_hash"];
/// Vitess' functions; those that Shoal has are served.
const FUNCTIONS: [&str; 14] = [
    "binary",
    "binary_md5",
    "cfc",
    "hash",
    "multicol",
    "null",
    "numeric",
    "numeric_static_map",
    "region_experimental",
    "region_json",
    "reverse_bits",
    "unicode_loose_md5",
    "unicode_loose_xxhash",
    "xxhash",
];

/// What Shoal makes of a vindex; `None`: nobody knows its type.
pub fn standing(definition: &VindexDefinition) -> Option<Standing> {
    let kind = definition.kind.as_str();
    if kind.parse::<Vindex>().is_ok() {
        return Some(Standing::Served);
    }
    let known = [
        (&UNIQUE_LOOKUPS[..], Standing::UniqueLookup),
        (&LOOKUPS[..], Standing::Lookup),
        (&FUNCTIONS[..], Standing::NotYet),
    ];
    known.into_iter().find(|(kinds, _)| kinds.contains(&kind)).map(|(_, standing)| standing)
}

/// The types that a vschema may name, in alphabetical order.
pub fn vindex_kinds() -> Vec<&'static str> {
    let mut kinds = [&UNIQUE_LOOKUPS[..], &LOOKUPS[..], &FUNCTIONS[..]].concat();
    kinds.sort_unstable();
    kinds
}
