//! What the last statement warned of: MySQL keeps the list in its connection, so that one is kept, too.

use proto::errors::{ClientError, ErrorId};
use proto::wire::connection::Framed;
use proto::wire::reply::ERROR_TEXT_AT;
use proto::wire::result::{ResultColumn, ResultRow};

use super::held::Next;
use super::scatter::WARNINGS;
use super::{Session, SessionEnd};
use crate::backend::Backend;
use crate::executor::control::{self, Row};
use crate::executor::many::send;
use crate::executor::relay::{Added, RelayError, Relayed, Request, relay};
use crate::hold::decide::error_code;
use crate::limits::MAX_WARNINGS;
use crate::plan::{Afterwards, ShowWarnings, WarningCount};

/// Codes of warnings that MySQL gives for the text, whatever rows there are: deprecated words, words that do nothing any
/// more, and hints that cannot be read, contradict each other or name nothing.
const OF_THE_TEXT: [&str; 9] = ["1064", "1287", "1681", "3005", "3126", "3127", "3128", "3719", "3778"];

/// Level, code and text.
type Warning = [String; 3];

/// The list of the last statement.
#[derive(Default)]
pub(super) struct Warnings {
    /// What the gate knows itself: its own errors and notes, and what several shards have told it.
    own: Vec<Warning>,
    /// How many of those no server counts.
    notes: u16,
    /// Where the rest is.
    kept: Kept,
}

/// The connection whose list belongs to the session's.
#[derive(Default)]
enum Kept {
    /// None does.
    #[default]
    Nothing,
    /// One that is only kept for this, and what becomes of it then.
    Connection(Backend, Afterwards),
    /// That of the transaction.
    Transaction,
}

impl Warnings {
    /// Whether there may be something in the list.
    pub(super) fn are_any(&self) -> bool {
        !self.own.is_empty() || !matches!(self.kept, Kept::Nothing)
    }

    /// Keeps a connection whose last statement warned or failed.
    pub(super) fn keep(&mut self, backend: Backend, afterwards: Afterwards) {
        self.kept = Kept::Connection(backend, afterwards);
    }

    /// The list is that of the transaction's connection.
    pub(super) fn are_of_transaction(&mut self) {
        self.kept = Kept::Transaction;
    }

    /// How many notes of the gate's own there are, which no server counts.
    pub(super) fn notes(&self) -> u16 {
        self.notes
    }

    /// What the end of a relayed answer tells of them.
    pub(super) fn added(&self) -> Added {
        Added { warnings: self.notes, status: None }
    }

    /// An error of the gate's own.
    pub(super) fn error(&mut self, error: &ClientError) {
        self.push("Error", error.id.row().code, error.message());
    }

    /// MySQL's error, where the packet that answers is one.
    pub(super) fn mysqls_error(&mut self, packet: &[u8]) {
        if let (Some(code), Some(text)) = (error_code(packet), packet.get(ERROR_TEXT_AT..)) {
            self.push("Error", code, &String::from_utf8_lossy(text));
        }
    }

    /// Something the gate did that the client should know of; it is told first.
    pub(super) fn note(&mut self, note: &ClientError) {
        self.push("Note", note.id.row().code, note.message());
        self.notes = self.notes.saturating_add(1);
    }

    fn push(&mut self, level: &str, code: u16, text: &str) {
        self.take(vec![vec![Some(level.to_owned()), Some(code.to_string()), Some(text.to_owned())]]);
    }

    /// Rows of SHOW WARNINGS.
    pub(super) fn take(&mut self, rows: Vec<Row>) {
        let room = MAX_WARNINGS.saturating_sub(self.own.len());
        let whole = |row: Row| row.into_iter().collect::<Option<Vec<_>>>()?.try_into().ok();
        self.own.extend(rows.into_iter().filter_map(whole).take(room));
    }

    /// Rows of SHOW WARNINGS of another shard for the same statement: what is about the statement's text is told
    /// once. Gives how many rows that leaves out.
    pub(super) fn take_once(&mut self, rows: Vec<Row>) -> u16 {
        let known = |row: &Row| {
            let code = row.get(1).and_then(Option::as_deref).unwrap_or_default();
            OF_THE_TEXT.contains(&code) && self.own.iter().any(|own| row.iter().flatten().eq(own.iter()))
        };
        let (known, new): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(known);
        self.take(new);
        known.len().try_into().unwrap_or(u16::MAX)
    }

    /// Forgets everything, at the next statement; gives the connection that was kept for it.
    pub(super) fn clear(&mut self) -> Option<Backend> {
        self.own.clear();
        self.notes = 0;
        match std::mem::take(&mut self.kept) {
            Kept::Connection(backend, Afterwards::Reuse) => Some(backend),
            Kept::Connection(_, Afterwards::Close) | Kept::Nothing | Kept::Transaction => None,
        }
    }
}

impl Session {
    /// The list belongs to the statement before: the next one begins with an empty one.
    pub(super) fn forget_warnings(&mut self) {
        if let Some(backend) = self.warnings.clear() {
            self.worker.give_back(backend);
        }
    }

    /// Answers what the statement before warned of. What one connection has as a whole, MySQL tells itself.
    pub(super) async fn show_warnings(
        &mut self,
        show: &ShowWarnings,
        framed: Framed,
    ) -> Result<Next, SessionEnd> {
        let kept = match &mut self.warnings.kept {
            Kept::Nothing => None,
            Kept::Connection(backend, _) => Some(backend),
            Kept::Transaction => self.transaction.backend(),
        };
        let capabilities = self.capabilities & crate::backend::SHAPING;
        let mut rest = Ok(Vec::new());
        if let Some(backend) = kept {
            let connection = &mut backend.connection;
            if self.warnings.own.is_empty() {
                let request = Request::Front(framed.wire_bytes);
                return match relay(&mut self.client, request, connection, capabilities, Added::default())
                    .await
                {
                    Ok(Relayed::Answered(_)) => Ok(Next::Answered),
                    Ok(Relayed::Refused(packet) | Relayed::Denied(packet)) => {
                        self.answer_packet(&packet).await.map(|()| Next::Answered)
                    }
                    Err(RelayError::Client(_)) => Err(SessionEnd::Left),
                    Err(RelayError::ShardWithinAnswer) => Err(SessionEnd::BrokenAnswer),
                    Err(RelayError::NotSent(_) | RelayError::ShardBeforeAnswer) => self.lost_warnings().await,
                };
            }
            rest = match send(connection, &[WARNINGS]).await {
                Ok(()) => control::answered(connection, capabilities).await.map_err(|_| ()),
                Err(_) => Err(()),
            };
        }
        match rest {
            Ok(rows) => self.warnings.take(rows),
            Err(()) => return self.lost_warnings().await,
        }
        // Now all of it is here.
        if let Kept::Connection(backend, Afterwards::Reuse) = std::mem::take(&mut self.warnings.kept) {
            self.worker.give_back(backend);
        }
        self.answer_warnings(show).await
    }

    /// The connection with the list is gone.
    async fn lost_warnings(&mut self) -> Result<Next, SessionEnd> {
        self.warnings.clear();
        self.tell(&ErrorId::WarningsLost.plain()).await
    }

    async fn answer_warnings(&mut self, show: &ShowWarnings) -> Result<Next, SessionEnd> {
        let is_wanted = |only_errors: bool, warning: &&Warning| !only_errors || warning[0] == "Error";
        match show {
            ShowWarnings::List { only_errors, offset, count } => {
                let wanted = self.warnings.own.iter().filter(|warning| is_wanted(*only_errors, warning));
                let row = |warning: &Warning| warning.iter().cloned().map(Some).collect();
                let rows: Vec<ResultRow> = wanted.skip(*offset).take(*count).map(row).collect();
                self.answer_result(&list_columns(), &rows).await?;
            }
            ShowWarnings::Counts { columns, clears } => {
                let count = |column: &WarningCount| {
                    let wanted = |warning: &&Warning| is_wanted(column.only_errors, warning);
                    Some(self.warnings.own.iter().filter(wanted).count().to_string())
                };
                let row = columns.iter().map(count).collect();
                let columns: Vec<ResultColumn> =
                    columns.iter().map(|column| ResultColumn::count(&column.name)).collect();
                self.answer_result(&columns, &[row]).await?;
                if *clears {
                    self.forget_warnings();
                }
            }
        }
        Ok(Next::Answered)
    }
}

/// The columns of MySQL's own list.
fn list_columns() -> [ResultColumn; 3] {
    [ResultColumn::text("Level", 7), ResultColumn::code("Code"), ResultColumn::text("Message", 512)]
}
