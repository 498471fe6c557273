//! Variables that clients set for their sessions: which ones a session keeps, and what a connection is told that has
//! others.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Variables that connections are told, in order. Left out is what would change how the protocol or our reading of SQL and
/// of errors goes, what makes numbers or moments of its own, engines whose rows are not copied, and what belongs to
/// replication or administration.
const REPLAYED: [&str; 59] = [
    "block_encryption_mode",
    "bulk_insert_buffer_size",
    "character_set_results",
    "cte_max_recursion_depth",
    "default_week_format",
    "div_precision_increment",
    "end_markers_in_json",
    "eq_range_index_dive_limit",
    "explain_format",
    "explain_json_format_version",
    "explicit_defaults_for_timestamp",
    "foreign_key_checks",
    "generated_random_password_length",
    "group_concat_max_len",
    "information_schema_stats_expiry",
    "innodb_ft_enable_stopword",
    "innodb_lock_wait_timeout",
    "innodb_strict_mode",
    "innodb_table_locks",
    "interactive_timeout",
    "internal_tmp_mem_storage_engine",
    "join_buffer_size",
    "lc_time_names",
    "lock_wait_timeout",
    "long_query_time",
    "low_priority_updates",
    "max_error_count",
    "max_execution_time",
    "max_heap_table_size",
    "max_join_size",
    "max_length_for_sort_data",
    "max_seeks_for_key",
    "max_sort_length",
    "max_sp_recursion_depth",
    "min_examined_row_limit",
    "net_read_timeout",
    "net_write_timeout",
    "optimizer_prune_level",
    "optimizer_search_depth",
    "optimizer_switch",
    "preload_buffer_size",
    "range_optimizer_max_mem_size",
    "read_buffer_size",
    "read_rnd_buffer_size",
    "select_into_buffer_size",
    "set_operations_buffer_size",
    "sort_buffer_size",
    "sql_big_selects",
    "sql_buffer_result",
    "sql_mode",
    "sql_notes",
    "sql_safe_updates",
    "time_zone",
    "tmp_table_size",
    "transaction_isolation",
    "transaction_read_only",
    "unique_checks",
    "wait_timeout",
    "windowing_use_high_precision",
];

/// Modes under which we would read a statement otherwise than MySQL does.
const OTHER_GRAMMAR: [&str; 4] = ["ANSI", "ANSI_QUOTES", "HIGH_NOT_PRECEDENCE", "NO_BACKSLASH_ESCAPES"];
/// The mode in which 0 is a number like any other in an AUTO_INCREMENT column.
const ZERO_IS_A_NUMBER: &str = "NO_AUTO_VALUE_ON_ZERO";

/// What a session's client has set, by the names of variables in lower case.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, Value>);

/// A variable's value, as literals.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value {
    now: String,
    /// What it was before anybody set it. DEFAULT is not always that: of `foreign_key_checks` it is 0.
    first: String,
}

/// Whether a session may keep a value of the variable. Texts are as MySQL shows them.
pub fn may_keep(variable: &str, value: Option<&str>) -> bool {
    let value = value.unwrap_or_default();
    match variable {
        "sql_mode" => !value.split(',').any(|mode| OTHER_GRAMMAR.contains(&mode)),
        // What the gate tells by itself is not put into other sets.
        // As with NULL, results are in no set but their own then.
        "character_set_results" => matches!(value, "" | "binary" | "utf8mb4" | "utf8mb3"),
        _ => is_replayed(variable),
    }
}

/// Whether connections are told the variable.
pub fn is_replayed(variable: &str) -> bool {
    REPLAYED.binary_search(&variable).is_ok()
}

impl Settings {
    /// The same with other values for some variables. Each is given as MySQL showed it before and after.
    pub fn with<'a>(
        &self,
        values: impl Iterator<Item = (&'a str, Option<&'a str>, Option<&'a str>)>,
    ) -> Self {
        let mut settings = self.0.clone();
        for (name, before, after) in values {
            let first = settings.remove(name).map_or_else(|| literal(before), |value| value.first);
            settings.insert(name.to_owned(), Value { now: literal(after), first });
        }
        Self(settings)
    }

    /// The same without a variable.
    pub fn without(&self, variable: &str) -> Self {
        let mut settings = self.0.clone();
        settings.remove(variable);
        Self(settings)
    }

    /// What a new connection is told to have these; empty: nothing.
    pub fn text(&self) -> String {
        self.change_from(&Self::default()).unwrap_or_default()
    }

    /// What a connection with other settings is told to have these; `None`: nothing.
    pub fn change_from(&self, before: &Self) -> Option<String> {
        let mut text = String::new();
        let mut set = |name: &str, value: &str| {
            let word = if text.is_empty() { "SET" } else { "," };
            // Writing into a string does not fail.
            let _ = write!(text, "{word} @@session.{name} = {value}");
        };
        for (name, value) in before.0.iter().filter(|(name, _)| !self.0.contains_key(*name)) {
            set(name, &value.first);
        }
        let is_so =
            |name: &str, value: &Value| before.0.get(name).is_some_and(|before| before.now == value.now);
        for (name, value) in self.0.iter().filter(|(name, value)| !is_so(name, value)) {
            set(name, &value.now);
        }
        (!text.is_empty()).then_some(text)
    }

    /// A variable that counts seconds, where it was set.
    pub fn seconds(&self, variable: &str) -> Option<u64> {
        self.0.get(variable)?.now.parse().ok()
    }

    /// Whether 0 is a number like any other in an AUTO_INCREMENT column.
    pub fn zero_is_a_number(&self) -> bool {
        let modes = self.0.get("sql_mode").map(|modes| modes.now.trim_matches('\''));
        modes.is_some_and(|modes| modes.split(',').any(|mode| mode == ZERO_IS_A_NUMBER))
    }
}

/// A value of a variable as a literal: numbers stay numbers, which variables of that type demand.
fn literal(value: Option<&str>) -> String {
    let Some(value) = value else { return "NULL".to_owned() };
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(values: &[(&str, Option<&str>)]) -> Settings {
        Settings::default().with(values.iter().map(|(name, value)| (*name, Some("1"), *value)))
    }

    #[test]
    fn connections_are_told_what_they_lack() {
        assert!(REPLAYED.is_sorted());
        let none = Settings::default();
        let zone = settings(&[("time_zone", Some("+02:00")), ("group_concat_max_len", Some("99"))]);
        assert_eq!(none.change_from(&none), None);
        let told = "SET @@session.group_concat_max_len = 99, @@session.time_zone = '+02:00'";
        assert_eq!(zone.change_from(&none).as_deref(), Some(told));
        assert_eq!(zone.text(), told);
        // What was before it was set, also where that is long ago.
        let other = zone.with([("time_zone", Some("+02:00"), Some("it's"))].into_iter());
        assert_eq!(other.change_from(&zone).as_deref(), Some("SET @@session.time_zone = 'it''s'"));
        for before in [&zone, &other] {
            let back = none.change_from(before);
            let first = "SET @@session.group_concat_max_len = 1, @@session.time_zone = 1";
            assert_eq!(back.as_deref(), Some(first));
        }
        let results = settings(&[("character_set_results", None)]);
        assert_eq!(results.change_from(&none).as_deref(), Some("SET @@session.character_set_results = NULL"));
    }

    #[test]
    fn what_would_be_read_otherwise_is_not_kept() {
        assert!(may_keep("sql_mode", Some("STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO")));
        assert!(!may_keep("sql_mode", Some("STRICT_TRANS_TABLES,ANSI_QUOTES")));
        assert!(may_keep("character_set_results", None));
        assert!(may_keep("character_set_results", Some("binary")));
        assert!(!may_keep("character_set_results", Some("latin1")));
        assert!(!may_keep("insert_id", Some("5")));
        assert!(settings(&[("sql_mode", Some("NO_AUTO_VALUE_ON_ZERO"))]).zero_is_a_number());
        assert!(!settings(&[("sql_mode", Some(""))]).zero_is_a_number());
    }
}
