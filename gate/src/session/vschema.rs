//! ALTER VSCHEMA and SHOW VSCHEMA.

use proto::errors::ErrorId;
use proto::limits::MAX_KEYSPACE_NAME;
use proto::wire::result::{ResultColumn, ResultRow};
use topo::records::{SchemaRecord, VindexDefinition};
use topo::snapshot::{Keyspace, Snapshot};
use topo::vschema::{Setting, Verdict, report};

use super::held::Next;
use super::{Session, SessionEnd};
use crate::executor::vschema_change;
use crate::plan::{ShowVschema, VschemaChange};

/// Longest value of a column that is no name, in characters.
const LONGEST_TEXT: u32 = 1024;

impl Session {
    /// Makes the change, and answers OK or why not.
    pub(super) async fn change_vschema(&mut self, change: &VschemaChange) -> Result<Next, SessionEnd> {
        let class = match self.admins_class(&change.keyspace, ("ALTER", None)) {
            Ok(class) => class,
            Err(error) => return self.tell(&error).await,
        };
        match vschema_change::run(&self.worker, change, (&class, self.presence.client())).await {
            Ok(()) => self.answer_ok().await.map(|()| Next::Answered),
            Err(error) => self.tell(&error).await,
        }
    }

    /// Shows a part of the vschemas, in Vitess' columns.
    pub(super) async fn show_vschema(&mut self, show: &ShowVschema) -> Result<(), SessionEnd> {
        let snapshot = self.worker.shared.feed.snapshot();
        let named = match show {
            ShowVschema::Tables(keyspace) | ShowVschema::VindexesOf { keyspace, .. } => Some(keyspace),
            ShowVschema::Vindexes | ShowVschema::Keyspaces => None,
        };
        if let Some(Err(error)) = named.map(|keyspace| self.rights.role(keyspace)) {
            return self.answer_error(&error).await;
        }
        let seen = |keyspace: &Keyspace| self.rights.may_see(&keyspace.name);
        let Some((titles, rows)) = rows(show, &snapshot, seen) else {
            return self.answer_error(&ErrorId::NoDatabase.plain()).await;
        };
        let column = |name: &&'static str| {
            let longest = if *name == "Keyspace" { MAX_KEYSPACE_NAME as u32 } else { LONGEST_TEXT };
            ResultColumn::text(*name, longest)
        };
        let columns: Vec<ResultColumn> = titles.iter().map(column).collect();
        let rows: Vec<ResultRow> = rows.into_iter().map(|row| row.into_iter().map(Some).collect()).collect();
        self.answer_result(&columns, &rows).await
    }
}

type Shown = (&'static [&'static str], Vec<Vec<String>>);

/// Titles and rows, of the keyspaces that are seen; `None`: the keyspace has gone.
fn rows(show: &ShowVschema, snapshot: &Snapshot, seen: impl Fn(&Keyspace) -> bool) -> Option<Shown> {
    let keyspaces = snapshot.keyspaces().filter(|keyspace| seen(keyspace));
    match show {
        ShowVschema::Keyspaces => {
            let rows = keyspaces.map(|keyspace| of_keyspace(keyspace)).collect();
            Some((&["Keyspace", "Sharded", "Foreign Key", "Comment"], rows))
        }
        ShowVschema::Tables(keyspace) => {
            let tables = snapshot.keyspace(keyspace.as_str())?.vschema().tables.keys();
            Some((&["Tables"], tables.map(|name| vec![name.clone()]).collect()))
        }
        ShowVschema::Vindexes => {
            let rows = keyspaces.flat_map(|keyspace| {
                let vindexes = keyspace.vschema().vindexes.iter();
                vindexes.map(|(name, vindex)| of_vindex(keyspace.name.as_str(), name, Some(vindex)))
            });
            Some((&["Keyspace", "Name", "Type", "Params", "Owner"], rows.collect()))
        }
        ShowVschema::VindexesOf { keyspace, table } => {
            let vschema = snapshot.keyspace(keyspace.as_str())?.vschema();
            let rows = vschema
                .tables
                .get(table)?
                .column_vindexes
                .iter()
                .map(|by| of_vindex(&by.columns().join(", "), &by.name, vschema.vindexes.get(&by.name)));
            Some((&["Columns", "Name", "Type", "Params", "Owner"], rows.collect()))
        }
    }
}

fn of_vindex(first: &str, name: &str, vindex: Option<&VindexDefinition>) -> Vec<String> {
    let params = |vindex: &VindexDefinition| {
        let params = vindex.params.iter().map(|(name, value)| format!("{name}={value}"));
        params.collect::<Vec<_>>().join("; ")
    };
    let (kind, params, owner) =
        vindex.map(|v| (v.kind.clone(), params(v), v.owner.clone())).unwrap_or_default();
    vec![first.to_owned(), name.to_owned(), kind, params, owner]
}

/// A keyspace; the comment is what is wrong in its vschema.
fn of_keyspace(keyspace: &Keyspace) -> Vec<String> {
    let vschema = keyspace.vschema();
    let mode = vschema.kept.get("foreign_key_mode").and_then(|mode| mode.as_str());
    let mode = mode.unwrap_or(if keyspace.sharded { "disallow" } else { "unmanaged" });
    let tables = keyspace.tables().filter_map(|table| Some((table.name.clone(), table.schema.clone()?)));
    let schema = SchemaRecord { tables: tables.collect(), ..SchemaRecord::default() };
    let findings = report(vschema, Setting { sharded: keyspace.sharded, schema: Some(&schema) });
    let wrong = findings.iter().find(|finding| finding.verdict == Verdict::Refused);
    let comment = wrong.map(|finding| format!("{}: {}", finding.path, finding.what)).unwrap_or_default();
    vec![keyspace.name.to_string(), keyspace.sharded.to_string(), mode.to_owned(), comment]
}
