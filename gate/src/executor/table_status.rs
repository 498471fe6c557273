//! SHOW TABLE STATUS of a sharded keyspace: what all shards hold of each table.

use std::collections::BTreeMap;

use bytes::{BufMut, BytesMut};
use proto::wire::packet::{put_lenenc_bytes, put_lenenc_int, take_lenenc_bytes, write_payload};
use proto::wire::{CapabilityFlags, StatusFlags};

use super::control::Table;

/// One table's line: what each column says, in bytes; `None` is NULL.
type Line = Vec<Option<Vec<u8>>>;

/// Columns of the answer, by place.
const NAME: usize = 0;
const ROWS: usize = 4;
const AVERAGE_ROW_LENGTH: usize = 5;
const DATA_LENGTH: usize = 6;
const AUTO_INCREMENT: usize = 10;
const CREATED: usize = 11;
const UPDATED: usize = 12;
/// Those that are added up: rows, and bytes of data, of indexes and of free space.
const SUMS: [usize; 4] = [ROWS, DATA_LENGTH, 8, 9];
/// How many there are.
const COLUMNS: usize = 18;

/// The shards' answers as one; `None` where one of them is not what MySQL answers.
pub fn together(answers: &[Table]) -> Option<Table> {
    let first = answers.first()?;
    let mut lines: BTreeMap<Vec<u8>, Line> = BTreeMap::new();
    for answer in answers {
        if answer.columns.len() != COLUMNS {
            return None;
        }
        for payload in &answer.rows {
            let line = read(payload)?;
            let name = line[NAME].clone()?;
            match lines.get_mut(&name) {
                Some(sum) => add(sum, &line),
                None => drop(lines.insert(name, line)),
            }
        }
    }
    let rows = lines.into_values().map(|line| write(&with_average(line))).collect();
    Some(Table { columns: first.columns.clone(), rows })
}

fn add(sum: &mut Line, line: &Line) {
    for place in SUMS {
        if let (Some(a), Some(b)) = (number(&sum[place]), number(&line[place])) {
            sum[place] = Some((a + b).to_string().into_bytes());
        }
    }
    if number(&line[AUTO_INCREMENT]) > number(&sum[AUTO_INCREMENT]) {
        sum[AUTO_INCREMENT].clone_from(&line[AUTO_INCREMENT]);
    }
    // Times as MySQL writes them are in the order of their bytes.
    if line[CREATED] < sum[CREATED] {
        sum[CREATED].clone_from(&line[CREATED]);
    }
    if line[UPDATED] > sum[UPDATED] {
        sum[UPDATED].clone_from(&line[UPDATED]);
    }
}

fn with_average(mut line: Line) -> Line {
    if let (Some(rows), Some(bytes)) = (number(&line[ROWS]), number(&line[DATA_LENGTH])) {
        let average = bytes.checked_div(rows).unwrap_or(0);
        line[AVERAGE_ROW_LENGTH] = Some(average.to_string().into_bytes());
    }
    line
}

fn number(value: &Option<Vec<u8>>) -> Option<u64> {
    std::str::from_utf8(value.as_deref()?).ok()?.parse().ok()
}

fn read(mut payload: &[u8]) -> Option<Line> {
    let mut line = Line::new();
    while let Some(first) = payload.first() {
        if *first == 0xfb {
            payload = &payload[1..];
            line.push(None);
        } else {
            line.push(Some(take_lenenc_bytes(&mut payload)?.to_vec()));
        }
    }
    (line.len() == COLUMNS).then_some(line)
}

fn write(line: &Line) -> Vec<u8> {
    let mut payload = BytesMut::new();
    for value in line {
        match value {
            Some(bytes) => put_lenenc_bytes(&mut payload, bytes),
            None => payload.put_u8(0xfb),
        }
    }
    payload.to_vec()
}

/// The packets of the answer.
pub fn packets(table: &Table, capabilities: CapabilityFlags, status: StatusFlags) -> BytesMut {
    let mut out = BytesMut::new();
    let mut payload = BytesMut::new();
    put_lenenc_int(&mut payload, table.columns.len() as u64);
    let mut sequence = write_payload(&mut out, 1, &payload);
    for column in &table.columns {
        sequence = write_payload(&mut out, sequence, column);
    }
    let flags = status.bits().to_le_bytes();
    let eof = [0xfe, 0, 0, flags[0], flags[1]];
    let deprecate_eof = capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF);
    if !deprecate_eof {
        sequence = write_payload(&mut out, sequence, &eof);
    }
    for row in &table.rows {
        sequence = write_payload(&mut out, sequence, row);
    }
    let end: &[u8] = if deprecate_eof { &[0xfe, 0, 0, flags[0], flags[1], 0, 0] } else { &eof };
    write_payload(&mut out, sequence, end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with the given rows, bytes, number and times.
    fn line(name: &str, [rows, data, next]: [u64; 3], [created, updated]: [&str; 2]) -> Vec<u8> {
        let mut line: Line = vec![None; COLUMNS];
        let text = |text: &str| Some(text.as_bytes().to_vec());
        line[NAME] = text(name);
        line[ROWS] = text(&rows.to_string());
        line[DATA_LENGTH] = text(&data.to_string());
        line[AUTO_INCREMENT] = text(&next.to_string());
        (line[CREATED], line[UPDATED]) = (text(created), text(updated));
        write(&line)
    }

    #[test]
    fn shards_are_added_up() {
        let columns = vec![Vec::new(); COLUMNS];
        let first = Table {
            columns: columns.clone(),
            rows: vec![
                line("b", [10, 100, 5], ["2026-01-02", "2026-01-03"]),
                line("a", [0, 16, 1], ["x", "x"]),
            ],
        };
        let second = Table { columns, rows: vec![line("b", [30, 300, 50], ["2026-01-01", "2026-01-04"])] };
        let sum = together(&[first.clone(), second]).unwrap();
        let seen: Vec<Line> = sum.rows.iter().map(|row| read(row).unwrap()).collect();
        let show = |line: &Line, place: usize| String::from_utf8(line[place].clone().unwrap()).unwrap();
        assert_eq!((show(&seen[0], NAME), show(&seen[0], AVERAGE_ROW_LENGTH)), ("a".into(), "0".into()));
        let places = [ROWS, AVERAGE_ROW_LENGTH, DATA_LENGTH, AUTO_INCREMENT, CREATED, UPDATED];
        assert_eq!(
            places.map(|place| show(&seen[1], place)),
            ["40", "10", "400", "50", "2026-01-01", "2026-01-04"]
        );
        let odd = Table { columns: vec![Vec::new()], rows: Vec::new() };
        assert_eq!(together(&[first, odd]), None);
    }
}
