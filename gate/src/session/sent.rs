//! What goes to a shard of a statement that one shard answers: its text, or a prepared statement and its values.

use std::rc::Rc;

use bytes::BytesMut;
use proto::wire::connection::{Connection, Framed};
use proto::wire::packet::write_payload;
use proto::wire::prepared::EXECUTE_HEAD_BYTES;
use proto::wire::response::End;
use proto::wire::{CapabilityFlags, command};

use super::Session;
use crate::backend::Backend;
use crate::backend::prepared::PrepareError;
use crate::executor::relay::{Added, RelayError, Relayed, Request, relay};
use crate::hold::decide::error_code;
use crate::limits::MAX_CACHED_TEXT_BYTES;
use crate::plan::Route;

/// What goes to the shard.
pub(super) enum Sent {
    /// So many bytes at the front of the client's buffer, which stay there.
    Front(usize),
    /// These packets.
    Packets(BytesMut),
    /// A prepared statement.
    Prepared(Order),
}

/// A prepared statement that is being executed.
pub(super) struct Executing {
    /// Its text, with a `?` for each value.
    pub(super) sql: Rc<[u8]>,
    /// Where the first VALUES outside parentheses stands in it.
    pub(super) values_at: Option<usize>,
    /// The payload of COM_STMT_EXECUTE, under no id.
    pub(super) payload: BytesMut,
    pub(super) long_data: LongData,
    /// Whether the text is the client's own.
    pub(super) is_clients: bool,
}

/// What a shard's connection is told to prepare and execute.
#[derive(Clone)]
pub(super) struct Order {
    /// The statement.
    sql: Rc<[u8]>,
    /// The payload of COM_STMT_EXECUTE, under no id.
    payload: BytesMut,
    /// Values that are sent ahead.
    long_data: LongData,
    /// Whether the connection keeps the statement.
    keep: bool,
    /// The sequence id of the first packet that answers the client.
    answers_at: u8,
}

/// Values that a client has sent ahead, by their places.
pub(super) type LongData = Rc<Vec<Option<Vec<u8>>>>;

impl Executing {
    /// What a shard is told, with a column list before VALUES where there has to be one; `None` if there is no place
    /// for it.
    pub(super) fn order(&self, columns: Option<&str>, answers_at: u8) -> Option<Order> {
        let sql: Rc<[u8]> = match columns {
            Some(columns) => {
                let (before, after) = self.sql.split_at(self.values_at?);
                [before, columns.as_bytes(), after].concat().into()
            }
            None => self.sql.clone(),
        };
        let (payload, long_data) = (self.payload.clone(), self.long_data.clone());
        let keep = self.is_clients && sql.len() <= MAX_CACHED_TEXT_BYTES;
        Some(Order { sql, payload, long_data, keep, answers_at })
    }
}

impl Order {
    /// What the connection's mysqld calls the statement, which it has prepared then.
    pub(super) async fn prepared_on(
        &self,
        backend: &mut Backend,
        capabilities: CapabilityFlags,
    ) -> Result<u32, PrepareError> {
        if self.keep {
            backend.prepared(&self.sql, capabilities).await
        } else {
            backend.prepare(&self.sql, capabilities).await.map(|(ok, _)| ok.id)
        }
    }

    /// The payload of COM_STMT_EXECUTE, under no id.
    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether its text is all of it.
    fn takes_no_values(&self) -> bool {
        self.payload.len() == EXECUTE_HEAD_BYTES
    }

    /// The packets that execute it under this id.
    pub(super) fn packets(&self, id: u32) -> BytesMut {
        let mut out = BytesMut::new();
        for (place, data) in self.long_data.iter().enumerate() {
            let Some(data) = data else { continue };
            // An empty one says that there is one.
            let pieces = data.chunks(LONG_DATA_PIECE_BYTES).chain(data.is_empty().then_some(&[][..]));
            for piece in pieces {
                let mut payload = vec![command::STMT_SEND_LONG_DATA];
                payload.extend_from_slice(&id.to_le_bytes());
                payload.extend_from_slice(&(place as u16).to_le_bytes());
                payload.extend_from_slice(piece);
                write_payload(&mut out, 0, &payload);
            }
        }
        let mut payload = self.payload.clone();
        payload[ID_AT..ID_AT + 4].copy_from_slice(&id.to_le_bytes());
        write_payload(&mut out, 0, &payload);
        if !self.keep {
            // It has no answer, and is read after all of the one before.
            let [a, b, c, d] = id.to_le_bytes();
            write_payload(&mut out, 0, &[command::STMT_CLOSE, a, b, c, d]);
        }
        out
    }
}

/// Where the id stands in commands about prepared statements.
const ID_AT: usize = 1;
/// Pieces in which a value is sent ahead: several go into MySQL's smallest usual bound of a packet.
const LONG_DATA_PIECE_BYTES: usize = 1024 * 1024;

/// MySQL's code for a command that cannot be prepared.
const NOT_PREPARED: u16 = 1295;

impl Session {
    /// What goes to a shard by this route; `None`: there is no place for its column list.
    pub(super) fn sent(&mut self, framed: Framed, route: &Route) -> Option<Sent> {
        let columns = route.columns.as_deref();
        match (&self.executing, columns) {
            (Some(executing), _) => executing.order(columns, self.answers_at).map(Sent::Prepared),
            (None, Some(columns)) => self.with_columns(framed, columns).map(Sent::Packets),
            (None, None) => Some(Sent::Front(framed.wire_bytes)),
        }
    }
}

impl Sent {
    /// Relays it and its answer, which tells what is added to it.
    pub(super) async fn relay(
        &self,
        client: &mut Connection,
        backend: &mut Backend,
        capabilities: CapabilityFlags,
        added: Added,
    ) -> Result<Relayed, RelayError> {
        let request = match self {
            Self::Front(bytes) => Request::Front(*bytes),
            Self::Packets(packets) => Request::Packets(packets),
            Self::Prepared(order) => {
                return Box::pin(order.relay(client, backend, capabilities, added)).await;
            }
        };
        relay(client, request, &mut backend.connection, capabilities, added).await
    }
}

impl Order {
    async fn relay(
        &self,
        client: &mut Connection,
        backend: &mut Backend,
        capabilities: CapabilityFlags,
        added: Added,
    ) -> Result<Relayed, RelayError> {
        let id = match self.prepared_on(backend, capabilities).await {
            Ok(id) => id,
            Err(PrepareError::NotSent(error)) => return Err(RelayError::NotSent(error)),
            Err(PrepareError::Lost) => return Err(RelayError::ShardBeforeAnswer),
            Err(PrepareError::Refused(packet)) => {
                let packet = match Relayed::by_error(packet) {
                    Ok(relayed) => return Ok(relayed),
                    Err(packet) => packet,
                };
                return match error_code(&packet) {
                    Some(NOT_PREPARED) if self.takes_no_values() => {
                        let mut text = BytesMut::new();
                        write_payload(&mut text, 0, &[&[command::QUERY], &*self.sql].concat());
                        let request = Request::Packets(&text);
                        relay(client, request, &mut backend.connection, capabilities, added).await
                    }
                    _ => {
                        client.write_payload(self.answers_at, &packet).await.map_err(RelayError::Client)?;
                        Ok(Relayed::Answered(End::of_error()))
                    }
                };
            }
        };
        let packets = self.packets(id);
        let connection = &mut backend.connection;
        relay(client, Request::Packets(&packets), connection, capabilities, added).await
    }
}
