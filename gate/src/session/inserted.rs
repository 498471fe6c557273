//! What LAST_INSERT_ID() is for a session. Connections to shards keep it for nobody.

use proto::wire::response::End;

use super::Session;
use super::scatter::WARNINGS;
use crate::backend::{Backend, SessionClass};
use crate::executor::control::{self, take_last_insert_id};
use crate::executor::many::send;

/// The first number that the last statement which made any was given; 0 until there is one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct LastInserted(u64);

impl LastInserted {
    /// The number.
    pub(super) fn get(self) -> u64 {
        self.0
    }

    /// A statement has made numbers, this one first.
    pub(super) fn set(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Session {
    /// An answer of an unsharded keyspace told an insert id: one that was made, or one that the client wrote and which
    /// LAST_INSERT_ID() does not follow. Only that server knows; the client has its answer already. Connections go
    /// back with 0, so that what an earlier client made is not taken for this one's. Gives whether it may go back.
    pub(super) async fn learn_inserted(
        &mut self,
        backend: &mut Backend,
        class: &SessionClass,
        end: End,
    ) -> bool {
        if end.warnings > 0 && !end.failed {
            // The question would clear the list.
            let asked = send(&mut backend.connection, &[WARNINGS]).await;
            if asked.is_ok()
                && let Ok(rows) = control::answered(&mut backend.connection, class.capabilities).await
            {
                self.warnings.take(self.who.told_rows(rows));
            }
        }
        let made = take_last_insert_id(&mut backend.connection, class.capabilities).await;
        match made {
            Ok(0) => {}
            Ok(number) => self.inserted.set(number),
            // It is most likely what was told.
            Err(_) if end.insert_id > 0 => self.inserted.set(end.insert_id),
            Err(_) => {}
        }
        made.is_ok()
    }
}
