//! A history with nothing wrong, and for each finding a plant that it is shown to catch, in literals.

use std::time::Instant;

use super::*;
use crate::faults::ledger::history::Write;

const VINDEX: Vindex = Vindex::XxHash;

/// Two writers, each with four inserts and an overwrite, number 3, all acknowledged.
fn history() -> History {
    let now = Instant::now();
    let mut writes = Vec::new();
    for writer in [1, 2] {
        for number in 1..=5 {
            let deed = if number == 3 { Deed::Overwrite } else { Deed::Insert };
            let id = WriteId { writer, number };
            writes.push(Write { id, deed, fate: Fate::Acknowledged, begun: now, ended: now });
        }
    }
    History { writes }
}

fn write(writer: u32, number: u32) -> WriteId {
    WriteId { writer, number }
}

fn row(write: WriteId) -> Row {
    Row { key: write.id(), writer: write.writer, number: write.number, value: write.value() }
}

/// What is there if all of it was done: two shards of two tablets.
fn contents(history: &History) -> Vec<Content> {
    let mut contents = Vec::new();
    for (shard, uid) in [("shop/-80", 101), ("shop/80-", 201)] {
        let shard: ShardRef = shard.parse().unwrap();
        let mut rows = Vec::new();
        let mut registers = Vec::new();
        for write in &history.writes {
            match write.deed {
                Deed::Insert if belongs(&shard, VINDEX, write.id.id()) => rows.push(row(write.id)),
                Deed::Overwrite if belongs(&shard, VINDEX, write.id.writer.into()) => {
                    registers.push(Row { key: write.id.writer.into(), ..row(write.id) });
                }
                _ => {}
            }
        }
        for (part, more) in [(Part::Primary, 0), (Part::Replica, 1)] {
            let alias = format!("zone1-{}", uid + more);
            let (rows, registers) = (rows.clone(), registers.clone());
            contents.push(Content { alias, shard: shard.clone(), part, rows, registers });
        }
    }
    contents
}

/// The findings after a plant on every tablet of the shard that holds the write.
fn found(plant: impl Fn(&mut History, &mut Content)) -> Vec<Finding> {
    let mut history = history();
    let mut contents = contents(&history);
    contents.iter_mut().for_each(|content| plant(&mut history, content));
    judge(&history, VINDEX, &contents).findings
}

fn holds(content: &Content, write: WriteId) -> bool {
    belongs(&content.shard, VINDEX, write.id())
}

#[test]
fn a_run_without_faults_has_no_findings() {
    let verdict = judge(&history(), VINDEX, &contents(&history()));
    assert!(verdict.findings.is_empty(), "{verdict}");
    assert_eq!((verdict.acknowledged, verdict.tablets, verdict.unknown), (10, 4, (0, 0)));
}

#[test]
fn a_lost_row_is_found() {
    let lost = found(|_, content| content.rows.retain(|row| row.key != write(1, 2).id()));
    assert_eq!(lost, [Finding::Lost(write(1, 2))]);
}

#[test]
fn a_lost_register_is_found() {
    let lost = found(|_, content| content.registers.retain(|row| row.writer != 2));
    assert_eq!(lost, [Finding::Lost(write(2, 3))]);
}

#[test]
fn a_doubled_row_is_found() {
    let doubled = found(|_, content| {
        if holds(content, write(2, 1)) {
            content.rows.insert(0, row(write(2, 1)));
        }
    });
    assert!(matches!(&doubled[..], [Finding::Doubled(found, on)] if *found == write(2, 1) && on.len() == 2));
}

#[test]
fn a_misplaced_row_is_found_and_is_not_taken_for_lost() {
    let misplaced = found(|_, content| match holds(content, write(1, 5)) {
        true => content.rows.retain(|row| row.key != write(1, 5).id()),
        false => content.rows.push(row(write(1, 5))),
    });
    assert!(
        matches!(&misplaced[..], [Finding::Misplaced(found, _)] if *found == write(1, 5)),
        "{misplaced:?}"
    );
}

#[test]
fn a_wrong_value_is_found() {
    let wrong = found(|_, content| {
        content.rows.iter_mut().filter(|r| r.key == write(1, 1).id()).for_each(|r| r.value = "?".into());
    });
    assert_eq!(wrong, [Finding::WrongValue(write(1, 1), "?".into())]);
}

#[test]
fn a_refused_row_that_is_there_is_found() {
    let refused = found(|history, _| history.writes[1].fate = Fate::Refused("SH3001".into()));
    assert_eq!(refused, [Finding::RefusedButThere(write(1, 2), "SH3001".into())]);
}

#[test]
fn a_row_of_unknown_fate_may_be_there_or_not() {
    let unsure = |history: &mut History| history.writes[1].fate = Fate::Unknown("connection lost".into());
    assert_eq!(found(|history, _| unsure(history)), []);
    let absent = found(|history, content| {
        unsure(history);
        content.rows.retain(|row| row.key != write(1, 2).id());
    });
    assert_eq!(absent, []);
}

#[test]
fn a_row_that_nobody_wrote_is_found() {
    let nobody = found(|_, content| {
        if holds(content, write(7, 7)) {
            content.rows.push(row(write(7, 7)));
        }
    });
    assert!(matches!(nobody[..], [Finding::NeverWritten(_, id)] if id == write(7, 7).id()), "{nobody:?}");
}

#[test]
fn rows_in_another_order_than_acknowledged_are_found() {
    let turned = found(|_, content| content.rows.reverse());
    assert!(
        turned
            .iter()
            .all(|f| matches!(f, Finding::OutOfOrder(before, after) if before.number > after.number))
    );
    assert!(!turned.is_empty());
}

#[test]
fn a_register_that_an_older_write_has_overwritten_is_found() {
    let late = found(|history, content| {
        // Another overwrite came after the one that is there; each tablet is shown the same history.
        let after = Write { id: write(1, 6), ..history.writes[2].clone() };
        if content.alias == "zone1-101" {
            history.writes.push(after);
        }
    });
    assert_eq!(late, [Finding::OutOfOrder(write(1, 6), write(1, 3))]);
}

#[test]
fn a_replica_that_lacks_a_row_or_has_one_more_is_found() {
    let mut lacking = contents(&history());
    let replica = lacking.iter_mut().find(|c| c.part == Part::Replica && !c.rows.is_empty()).unwrap();
    let alias = replica.alias.clone();
    let gone = replica.rows.remove(0);
    let findings = judge(&history(), VINDEX, &lacking).findings;
    assert!(
        matches!(&findings[..], [Finding::ReplicaDiffers(at, what)] if *at == alias && what.contains("1 missing"))
    );
    let replica = lacking.iter_mut().find(|c| c.alias == alias).unwrap();
    replica.rows.extend([gone.clone(), gone]);
    let findings = judge(&history(), VINDEX, &lacking).findings;
    assert!(matches!(&findings[..], [Finding::ReplicaDiffers(at, _)] if *at == alias), "{findings:?}");
}

#[test]
fn two_primaries_and_none_are_found() {
    let mut two = contents(&history());
    two[1].part = Part::Primary;
    let findings = judge(&history(), VINDEX, &two).findings;
    assert!(findings.contains(&Finding::Writable("shop/-80".parse().unwrap(), 2)), "{findings:?}");
    let mut none = contents(&history());
    none[0].part = Part::Replica;
    let findings = judge(&history(), VINDEX, &none).findings;
    assert!(findings.contains(&Finding::Writable("shop/-80".parse().unwrap(), 0)), "{findings:?}");
}
