//! One client: login, then commands one after the other until it leaves.

mod accounts;
pub mod credentials;
mod explain;
mod held;
mod idle;
mod insert;
mod inserted;
mod kill;
mod login;
mod looking;
mod parts;
mod prepared;
mod scatter;
mod schema;
mod sent;
mod sequence;
mod setting;
mod statement;
mod transaction;
mod variables;
mod vschema;
mod warnings;
mod who;

use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;

use bytes::BytesMut;
use proto::errors::{ClientError, ErrorId};
use proto::limits::MAX_PACKET_BYTES;
use proto::program::metrics::Raised;
use proto::wire::connection::{Connection, Framed, ReadError};
use proto::wire::reply::{write_error, write_ok};
use proto::wire::result::{Form, ResultColumn, ResultRow, Rows, Texts, write_result};
use proto::wire::{CapabilityFlags, command};
use tokio::net::TcpStream;
use tokio::time::timeout;
use topo::snapshot::Snapshot;
use tracing::{debug, warn};

use crate::accounts::denied;
use crate::accounts::rights::{Followed, Rights};
use crate::aim::{Aim, Choice, Database, choose};
use crate::backend::SessionClass;
use crate::backend::settings::Settings;
use crate::clients::{Ending, Presence};
use crate::limits::LOGIN_TIMEOUT;
use crate::sql::character_set::{CharacterSet, DEFAULT_COLLATION};
use crate::sql::fingerprint::Fingerprint;
use crate::worker::Worker;
use idle::{Silence, Timeouts};
use inserted::LastInserted;
use prepared::Statements;
use sent::Executing;
use transaction::Transaction;
use variables::UserVariables;
use warnings::Warnings;

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum SessionEnd {
    /// The client left, or its connection broke.
    Left,
    /// The client was told why and its connection closed.
    Refused(ClientError),
    /// The answer of a shard broke off in the middle.
    BrokenAnswer,
    /// The gate stops.
    Draining,
    /// Another client has ended it.
    Killed,
    /// A fault in the gate.
    Fault(String),
}

impl From<std::io::Error> for SessionEnd {
    fn from(_: std::io::Error) -> Self {
        Self::Left
    }
}

impl From<ReadError> for SessionEnd {
    fn from(_: ReadError) -> Self {
        Self::Left
    }
}

/// Serves one client until it leaves.
pub(crate) async fn serve(worker: Rc<Worker>, (stream, ending): (TcpStream, Ending), host: IpAddr) {
    let shared = worker.shared.clone();
    let measures = &shared.measures;
    let _present = Raised::new(&measures.clients);
    let host = host.to_string();
    let logged_in = async {
        let client = Connection::new(stream)?;
        login::log_in(&shared, client, &host).await
    };
    let end = match timeout(LOGIN_TIMEOUT, logged_in).await {
        Ok(Ok(logged_in)) => {
            measures.logged_in.increment(1);
            Session::new(worker, logged_in, ending).run().await
        }
        Ok(Err(end)) => {
            let refused = matches!(end, SessionEnd::Refused(_));
            if refused { &measures.login_refused } else { &measures.login_left }.increment(1);
            end
        }
        Err(_) => {
            measures.login_left.increment(1);
            SessionEnd::Left
        }
    };
    match end {
        SessionEnd::Left | SessionEnd::Draining | SessionEnd::Killed => {}
        SessionEnd::Refused(error) => debug!(%host, %error, "client refused"),
        SessionEnd::BrokenAnswer => {
            warn!(%host, "a shard's answer broke off; the client's connection was closed")
        }
        SessionEnd::Fault(what) => warn!(%host, what, "session ended by a fault"),
    }
}

/// A client that has logged in.
struct Session {
    worker: Rc<Worker>,
    client: Connection,
    capabilities: CapabilityFlags,
    collation: u8,
    character_set: CharacterSet,
    /// The collation and character set of its login.
    began: (u8, CharacterSet),
    rights: Rights,
    who: who::Who,
    database: Option<Database>,
    /// What statements are narrowed to within it.
    aim: Aim,
    /// Its place among the gate's clients; after the connection, which is closed when others are told that it left.
    presence: Presence,
    fingerprint: Fingerprint,
    /// What LAST_INSERT_ID() is.
    inserted: LastInserted,
    /// The class of backend connections that was used last.
    class: Option<Rc<SessionClass>>,
    /// Holds statements that came in several packets.
    scratch: Vec<u8>,
    /// The sequence id of the first packet that answers the present command.
    answers_at: u8,
    transaction: Transaction,
    warnings: Warnings,
    statements: Statements,
    /// What its client has set.
    settings: Rc<Settings>,
    /// As far as they follow from that.
    timeouts: Timeouts,
    variables: UserVariables,
    /// The prepared statement that the present one is.
    executing: Option<Executing>,
}

impl Session {
    fn new(worker: Rc<Worker>, mut logged_in: login::LoggedIn, ending: Ending) -> Self {
        let timeouts = Timeouts::of(&Settings::default());
        logged_in.client.write_within(timeouts.write);
        let who = &logged_in.who;
        let presence = worker.shared.clients.enter(who.connection, (&who.user, &who.host), ending);
        presence.choose(logged_in.choice.database.as_ref().map(Database::as_str));
        Self {
            worker,
            client: logged_in.client,
            capabilities: logged_in.capabilities,
            collation: logged_in.collation,
            character_set: logged_in.character_set,
            began: (logged_in.collation, logged_in.character_set),
            rights: logged_in.rights,
            who: logged_in.who,
            database: logged_in.choice.database,
            aim: logged_in.choice.aim,
            presence,
            fingerprint: Fingerprint::default(),
            inserted: LastInserted::default(),
            class: None,
            scratch: Vec::new(),
            answers_at: 1,
            transaction: Transaction::default(),
            warnings: Warnings::default(),
            statements: Statements::default(),
            settings: Rc::default(),
            timeouts,
            variables: UserVariables::default(),
            executing: None,
        }
    }

    async fn run(mut self) -> SessionEnd {
        let draining = self.worker.shared.draining.clone();
        // One waiter for the whole session: making one takes a lock that all threads share.
        let mut drained = pin!(draining.cancelled());
        let killing = self.presence.ending().killed().clone();
        let mut killed = pin!(killing.cancelled());
        let mut silence = Silence::new();
        // How much of a command was here when the client began to be waited for again.
        let mut here = 0;
        loop {
            silence.begins();
            let limit = if here == 0 { self.timeouts.idle } else { self.timeouts.read };
            let framed = tokio::select! {
                biased;
                framed = self.client.read_framed(0, MAX_PACKET_BYTES) => framed,
                () = &mut drained => return SessionEnd::Draining,
                () = &mut killed => return SessionEnd::Killed,
                () = silence.lasts(limit) => match self.client.buffered().len() {
                    0 => return self.has_been_silent().await,
                    more if more > here => {
                        here = more;
                        continue;
                    }
                    _ => return SessionEnd::Left,
                },
            };
            here = 0;
            // What came after the KILL was answered is not executed, although this thread may hear of both at once.
            let ended = match framed {
                Ok(_) if killing.is_cancelled() => return SessionEnd::Killed,
                Ok(framed) => self.command(framed).await,
                Err(ReadError::TooLarge { sequence, .. }) => {
                    self.answers_at = sequence.wrapping_add(1);
                    Err(self.close_with(ErrorId::PacketTooLarge.plain()).await)
                }
                Err(ReadError::OutOfOrder) => Err(self.close_with(ErrorId::PacketsOutOfOrder.plain()).await),
                Err(ReadError::Closed | ReadError::Io(_)) => Err(SessionEnd::Left),
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    /// The client was silent for too long. It is told so as by MySQL, in a packet that answers nothing.
    async fn has_been_silent(&mut self) -> SessionEnd {
        self.answers_at = 0;
        self.close_with(ErrorId::Inactive.plain()).await
    }

    /// Has the timeouts that are set now.
    fn follow_timeouts(&mut self) {
        self.timeouts = Timeouts::of(&self.settings);
        self.client.write_within(self.timeouts.write);
    }

    /// Answers one command and drops it from the client's buffer.
    async fn command(&mut self, mut framed: Framed) -> Result<(), SessionEnd> {
        self.answers_at = framed.sequence.wrapping_add(1);
        let payload = self.client.payload(framed, &mut self.scratch);
        match payload.split_first() {
            None => return Err(self.close_with(ErrorId::MalformedPacket.plain()).await),
            Some((&command::QUERY, _)) => framed = self.statement(framed).await?,
            Some((&command::QUIT, _)) => return Err(SessionEnd::Left),
            Some((&command::PING, _)) => self.answer_ok().await?,
            Some((&command::STATISTICS, _)) => {
                let line = self.worker.shared.clients.statistics();
                self.answer_packet(line.as_bytes()).await?;
            }
            Some((&command::INIT_DB, name)) => {
                let name = String::from_utf8_lossy(name).into_owned();
                self.use_database(&name).await?;
            }
            Some((&command::STMT_EXECUTE, _)) => framed = Box::pin(self.execute(framed)).await?,
            Some((&command::STMT_PREPARE, _)) => Box::pin(self.prepare(framed)).await?,
            Some((&command::STMT_SEND_LONG_DATA, _)) => self.take_long_data(framed),
            Some((&command::STMT_RESET, _)) => self.reset_statement(framed).await?,
            Some((&command::STMT_FETCH, _)) => self.fetch(framed).await?,
            Some((&command::STMT_CLOSE, _)) => self.close_statement(framed),
            Some((&command::RESET_CONNECTION, _)) => {
                self.reset().await;
                self.answer_ok().await?;
            }
            Some((&command::CHANGE_USER, _)) => framed = Box::pin(self.change_user(framed)).await?,
            Some(_) => self.answer_error(&ErrorId::UnknownCommand.plain()).await?,
        }
        self.client.consume(framed.wire_bytes);
        Ok(())
    }

    /// Makes the session as it was after its login, but for its database.
    async fn reset(&mut self) {
        self.forget_warnings();
        self.roll_back().await;
        self.statements = Statements::default();
        self.settings = Rc::default();
        self.follow_timeouts();
        self.variables = UserVariables::default();
        self.inserted = LastInserted::default();
        (self.collation, self.character_set) = self.began;
    }

    async fn use_database(&mut self, name: &str) -> Result<(), SessionEnd> {
        let snapshot = self.worker.shared.feed.snapshot();
        self.follow_rights(&snapshot).await?;
        match choose(name, &self.rights, &snapshot) {
            Ok(choice) => {
                self.choose(choice);
                self.answer_ok().await
            }
            Err(error) => self.answer_error(&error).await,
        }
    }

    /// From now on this is chosen.
    fn choose(&mut self, choice: Choice) {
        self.database = choice.database.or(self.database.take());
        self.aim = choice.aim;
        self.presence.choose(self.database.as_ref().map(Database::as_str));
    }

    /// Takes the rights that the snapshot gives to the session's user. One who was dropped is told so, and the
    /// session ends.
    async fn follow_rights(&mut self, snapshot: &Snapshot) -> Result<(), SessionEnd> {
        match self.rights.follow(snapshot) {
            Ok(Followed::Same) => Ok(()),
            Ok(Followed::Changed) => {
                self.class = None;
                Ok(())
            }
            Err(error) => Err(Box::pin(self.close_with(error)).await),
        }
    }

    async fn answer_ok(&mut self) -> Result<(), SessionEnd> {
        let mut out = BytesMut::new();
        write_ok(&mut out, self.answers_at, self.transaction.status(), self.warnings.notes());
        Ok(self.client.write_all(&out).await?)
    }

    async fn answer_error(&mut self, error: &ClientError) -> Result<(), SessionEnd> {
        self.worker.shared.measures.told(error);
        self.warnings.error(error);
        let mut out = BytesMut::new();
        write_error(&mut out, self.answers_at, error);
        Ok(self.client.write_all(&out).await?)
    }

    /// Passes on a packet that MySQL answered to the gate. If it names the account behind, so does MySQL's own list.
    async fn answer_packet(&mut self, payload: &[u8]) -> Result<(), SessionEnd> {
        let told = denied::packet_for(payload, &self.who.user, &self.who.host);
        if let Some(told) = &told {
            self.forget_warnings();
            self.warnings.mysqls_error(told);
        }
        self.client.write_payload(self.answers_at, told.as_deref().unwrap_or(payload)).await?;
        Ok(())
    }

    async fn answer_result(
        &mut self,
        columns: &[ResultColumn],
        rows: &[ResultRow],
    ) -> Result<(), SessionEnd> {
        let mut out = BytesMut::new();
        write_result(&mut out, self.answers_at, self.form(), columns, rows);
        Ok(self.client.write_all(&out).await?)
    }

    /// How the session's own result sets are written.
    fn form(&self) -> Form {
        let collation = match self.character_set {
            CharacterSet::Binary => DEFAULT_COLLATION,
            _ => self.collation,
        };
        let texts = Texts { collation, bytes: self.character_set.longest_character() };
        let rows = if self.executing.is_some() { Rows::Binary } else { Rows::Text };
        Form { capabilities: self.capabilities, status: self.transaction.status(), texts, rows }
    }

    async fn close_with(&mut self, error: ClientError) -> SessionEnd {
        match self.answer_error(&error).await {
            Ok(()) => {
                self.client.shutdown().await;
                SessionEnd::Refused(error)
            }
            Err(end) => end,
        }
    }
}
