use super::*;
use crate::cli::output::Format;

fn primary() -> Tablet {
    Tablet {
        alias: "a-101".into(),
        keyspace: "shop".into(),
        range: "-80".into(),
        role: "primary".into(),
        term: 3,
        state: "serving".into(),
        mysql_address: "h:1".into(),
        agent_address: "h:2".into(),
        mysql_version: "9.7.4".into(),
        lag_ms: Some(7),
        semi_sync: "source".into(),
        gtid_executed: "aa:1-5,\nbb:1".into(),
        ..Tablet::default()
    }
}

fn behind() -> Tablet {
    Tablet {
        alias: "b-102".into(),
        role: "replica".into(),
        state: "fenced".into(),
        lag_ms: Some(61_500),
        semi_sync: String::new(),
        reason: "the applier stopped: 1062".into(),
        ..primary()
    }
}

fn shard(range: &str, ackers: &[&str], risk: &str) -> Shard {
    Shard {
        keyspace: "shop".into(),
        range: range.into(),
        term: 1,
        primary: "a-1".into(),
        serving: true,
        ackers: ackers.iter().map(|a| (*a).into()).collect(),
        risk: risk.into(),
    }
}

#[test]
fn tablets_show_what_somebody_on_call_asks_first() {
    let expected = "\
TABLET  SHARD     ROLE     TERM  STATE    LAG   SEMI-SYNC  MYSQL  AGENT  VERSION  REASON
a-101   shop/-80  primary  3     serving  -     source     h:1    h:2    9.7.4    -
b-102   shop/-80  replica  3     fenced   1m1s  -          h:1    h:2    9.7.4    the applier stopped: 1062
";
    assert_eq!(tablets(&[primary(), behind()], Columns::Usual).unwrap().text, expected);
    let wide = tablets(&[primary()], Columns::All).unwrap().text;
    assert!(wide.contains("VERSION  READS  GTIDS        REASON\n"), "{wide}");
    assert!(wide.ends_with("9.7.4    no     aa:1-5,bb:1  -\n"), "{wide}");
}

#[test]
fn tablets_for_programs_have_all_fields_whatever_is_known() {
    let value = tablets(&[primary(), behind()], Columns::Usual).unwrap().value;
    let expected = serde_json::json!({
        "alias": "a-101", "keyspace": "shop", "range": "-80", "role": "primary", "term": 3, "state": "serving",
        "reason": null, "lagMs": null, "semiSync": "source", "reads": false, "mysqlAddress": "h:1", "agentAddress": "h:2",
        "mysqlVersion": "9.7.4", "gtidExecuted": "aa:1-5,bb:1", "flaw": null, "hindrance": null,
    });
    assert_eq!(value[0], expected);
    assert_eq!(value[1]["lagMs"], 61_500);
    assert_eq!(value[1]["semiSync"], serde_json::Value::Null);
}

#[test]
fn shards_show_their_ackers_and_what_threatens_them() {
    let all = [shard("-80", &["a-2", "a-3"], ""), shard("80-", &[], "it has one tablet")];
    let expected = "\
SHARD     PRIMARY  TERM  SERVING  ACKERS   RISK
shop/-80  a-1      1     yes      a-2,a-3  -
shop/80-  a-1      1     yes      -        it has one tablet
";
    assert_eq!(shards(&all, &[primary(), behind()], Columns::Usual).unwrap().text, expected);
    let wide = shards(&all, &[primary(), behind()], Columns::All).unwrap();
    assert!(wide.text.contains("a-101:serving,b-102:fenced"), "{}", wide.text);
    let json = wide.in_format(Format::Json).unwrap();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read[0]["tablets"], serde_json::json!(["a-101", "b-102"]));
    assert_eq!((&read[0]["risk"], &read[1]["risk"]), (&serde_json::Value::Null, &"it has one tablet".into()));
}

#[test]
fn keyspaces_show_how_much_of_them_serves() {
    let shop = Keyspace { name: "shop".into(), sharded: true, shards: 2, serving: 1, tables: 3 };
    let ranges = [shard("-80", &[], ""), shard("80-", &[], "")];
    let expected =
        "KEYSPACE  KIND     SERVING  TABLES  RANGES\nshop      sharded  1/2      3       -80,80-\n";
    assert_eq!(keyspaces(&[shop], &ranges, Columns::All).unwrap().text, expected);
}

#[test]
fn events_are_told_with_the_time() {
    let event = Event {
        at_ms: 951_782_400_000,
        object: "shop/-80".into(),
        reason: "PrimaryAppointed".into(),
        observation: "a-1 under term 1".into(),
        ..Event::default()
    };
    let shown = events(&[event]).unwrap();
    assert!(shown.text.ends_with("2000-02-29T00:00:00.000Z  shop/-80  PrimaryAppointed  a-1 under term 1\n"));
    assert_eq!(shown.value[0]["time"], "2000-02-29T00:00:00.000Z");
}

#[test]
fn a_reason_is_one_short_line_in_a_table_and_whole_elsewhere() {
    assert_eq!(short("it starts"), "it starts");
    assert_eq!(
        short("mysqld exited with status 1; the end of its log:\n  a\n  b\n"),
        "mysqld exited with status 1; the end of its log:…"
    );
    assert_eq!(short(&"ö".repeat(SHOWN_REASON)), "ö".repeat(SHOWN_REASON));
    assert_eq!(short(&"ö".repeat(SHOWN_REASON + 1)), "ö".repeat(SHOWN_REASON) + "…");
    let long = "the applier stopped: ".repeat(9);
    let shown = tablets(&[Tablet { reason: long.clone(), ..behind() }], Columns::All).unwrap();
    assert_eq!(shown.value[0]["reason"], long);
}

#[test]
fn lags_are_short() {
    let said: Vec<String> = [5, 1250, 61_000, 3_700_000].map(lag_in_words).to_vec();
    assert_eq!(said, ["5ms", "1.2s", "1m1s", "1h1m"]);
}
