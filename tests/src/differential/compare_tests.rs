//! The comparer catches a planted difference of each kind, names it, and passes what is equal.

use super::compare::{Aspect, Order, compare};
use super::outcome::{ColumnSeen, DoneSeen, ErrorSeen, Outcome, RowSeen};

fn column() -> ColumnSeen {
    ColumnSeen {
        origin: "shop.c.customers.id".to_owned(),
        name: "id".to_owned(),
        kind: "MYSQL_TYPE_LONGLONG".to_owned(),
        flags: 3,
        charset: 63,
        length: 20,
        decimals: 0,
    }
}

fn row(text: &str) -> RowSeen {
    vec![Some(text.as_bytes().to_vec())]
}

fn rows() -> Outcome {
    Outcome::Rows { columns: vec![column()], rows: vec![row("1"), row("2"), row("2")], warnings: 0 }
}

fn done() -> DoneSeen {
    DoneSeen { affected_rows: 1, last_insert_id: 0, warnings: 0, info: String::new() }
}

fn error() -> ErrorSeen {
    ErrorSeen { code: 1062, sqlstate: "23000".to_owned(), text: "Duplicate entry".to_owned() }
}

#[track_caller]
fn caught(judge: Outcome, subject: Outcome, order: Order, aspects: &[Aspect]) {
    let found = compare(&judge, &subject, order);
    let named: Vec<Aspect> = found.iter().map(|difference| difference.aspect).collect();
    assert_eq!(named, aspects, "{found:?}");
    // The other way round it is found as well.
    assert_eq!(compare(&subject, &judge, order).len(), aspects.len());
}

#[track_caller]
fn caught_column(change: impl Fn(&mut ColumnSeen), aspect: Aspect) {
    let mut changed = rows();
    if let Outcome::Rows { columns, .. } = &mut changed {
        change(&mut columns[0]);
    }
    caught(rows(), changed, Order::Kept, &[aspect]);
}

#[track_caller]
fn caught_rows(content: Vec<RowSeen>, order: Order, aspects: &[Aspect]) {
    let changed = Outcome::Rows { columns: vec![column()], rows: content, warnings: 0 };
    caught(rows(), changed, order, aspects);
}

#[test]
fn equal_outcomes_have_no_difference() {
    for outcome in [rows(), Outcome::Done(done()), Outcome::Failed(error())] {
        assert_eq!(compare(&outcome, &outcome, Order::Kept), []);
    }
    caught_rows(vec![row("2"), row("1"), row("2")], Order::Free, &[]);
}

#[test]
fn each_part_of_a_column_is_compared() {
    caught_column(|c| c.name = "ID".to_owned(), Aspect::ColumnName);
    caught_column(|c| c.origin = "shop.c.customers.ID".to_owned(), Aspect::ColumnOrigin);
    caught_column(|c| c.kind = "MYSQL_TYPE_LONG".to_owned(), Aspect::ColumnType);
    caught_column(|c| c.flags = 1, Aspect::ColumnFlags);
    caught_column(|c| c.charset = 255, Aspect::ColumnCharset);
    caught_column(|c| c.length = 11, Aspect::ColumnLength);
    caught_column(|c| c.decimals = 31, Aspect::ColumnDecimals);
    let wider = Outcome::Rows {
        columns: vec![column(), column()],
        rows: vec![row("1"), row("2"), row("2")],
        warnings: 0,
    };
    caught(rows(), wider, Order::Kept, &[Aspect::ColumnCount]);
}

#[test]
fn rows_are_compared_with_their_number_and_order() {
    caught_rows(vec![row("1"), row("2"), row("3")], Order::Free, &[Aspect::Rows]);
    caught_rows(vec![row("1"), row("1"), row("2")], Order::Free, &[Aspect::Rows]);
    caught_rows(vec![row("1"), row("2")], Order::Free, &[Aspect::RowCount, Aspect::Rows]);
    caught_rows(vec![row("2"), row("1"), row("2")], Order::Kept, &[Aspect::RowOrder]);
    caught_rows(vec![row("1"), row("2"), vec![None]], Order::Free, &[Aspect::Rows]);
    caught_rows(vec![row("1"), row("2"), row("02")], Order::Free, &[Aspect::Rows]);
}

#[test]
fn each_part_of_an_ok_is_compared() {
    let caught_done = |changed: DoneSeen, aspect| {
        caught(Outcome::Done(done()), Outcome::Done(changed), Order::Kept, &[aspect]);
    };
    caught_done(DoneSeen { affected_rows: 2, ..done() }, Aspect::AffectedRows);
    caught_done(DoneSeen { last_insert_id: 7, ..done() }, Aspect::LastInsertId);
    caught_done(DoneSeen { warnings: 1, ..done() }, Aspect::Warnings);
    caught_done(DoneSeen { info: "Records: 1".to_owned(), ..done() }, Aspect::Info);
    let warned =
        Outcome::Rows { columns: vec![column()], rows: vec![row("1"), row("2"), row("2")], warnings: 1 };
    caught(rows(), warned, Order::Kept, &[Aspect::Warnings]);
}

#[test]
fn each_part_of_an_error_is_compared() {
    let caught_error = |changed: ErrorSeen, aspect| {
        caught(Outcome::Failed(error()), Outcome::Failed(changed), Order::Kept, &[aspect]);
    };
    caught_error(ErrorSeen { code: 1586, ..error() }, Aspect::ErrorCode);
    caught_error(ErrorSeen { sqlstate: "HY000".to_owned(), ..error() }, Aspect::SqlState);
    caught_error(ErrorSeen { text: "Duplicate".to_owned(), ..error() }, Aspect::ErrorText);
}

#[test]
fn outcomes_of_different_shape_differ() {
    let shapes = [rows(), Outcome::Done(done()), Outcome::Failed(error())];
    for (a, judge) in shapes.iter().enumerate() {
        for (b, subject) in shapes.iter().enumerate() {
            let expected: &[Aspect] = if a == b { &[] } else { &[Aspect::Shape] };
            caught(judge.clone(), subject.clone(), Order::Kept, expected);
        }
    }
}

#[test]
fn shoals_own_errors_are_known_by_the_id_at_the_end() {
    let failed = |text: &str| Outcome::Failed(ErrorSeen { text: text.to_owned(), ..error() });
    assert_eq!(failed("not for one shard (SH2003)").shoal_error(), Some("SH2003"));
    for other in ["Duplicate entry", "Duplicate entry (SH2003) for key", "(SHxxxx)", "(SH20033)", ""] {
        assert_eq!(failed(other).shoal_error(), None, "{other}");
    }
    assert_eq!(rows().shoal_error(), None);
}
