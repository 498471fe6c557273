//! What goes to a shard of a statement that one shard answers: its text, or a prepared statement and its values.

use bytes::BytesMut;
use proto::wire::connection::{Connection, Framed};
use proto::wire::packet::write_payload;
use proto::wire::response::End;
use proto::wire::{CapabilityFlags, command};

use super::Session;
use super::prepared::Order;
use crate::backend::Backend;
use crate::backend::prepared::PrepareError;
use crate::executor::relay::{Added, RelayError, Relayed, Request, relay};
use crate::hold::decide::error_code;
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

/// MySQL's code for a command that cannot be prepared.
const NOT_PREPARED: u16 = 1295;

impl Session {
    /// What goes to a shard by this route; `None`: there is no place for its column list.
    pub(super) fn sent(&mut self, framed: Framed, route: &Route) -> Option<Sent> {
        let columns = route.columns.as_deref();
        match (&self.executing, columns) {
            (Some(executing), _) => executing.order(columns).map(Sent::Prepared),
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
                        client.write_payload(1, &packet).await.map_err(RelayError::Client)?;
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
