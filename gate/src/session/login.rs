//! From an accepted socket to a client that is known.

use std::sync::atomic::Ordering;

use bytes::BytesMut;
use proto::errors::{ClientError, ErrorId};
use proto::ids::UserName;
use proto::limits::MAX_HANDSHAKE_PACKET_BYTES;
use proto::wire::auth::{self, Nonce};
use proto::wire::connection::{Connection, Framed, ReadError};
use proto::wire::handshake::{ClientHello, FirstPacket, Greeting, parse_change_user, parse_first_packet};
use proto::wire::reply::{write_error, write_ok};
use proto::wire::{CapabilityFlags, StatusFlags};
use tokio::time::timeout;
use topo::records::UserRecord;
use topo::snapshot::Snapshot;

use super::who::Who;
use super::{Session, SessionEnd};
use crate::accounts::rights::Rights;
use crate::aim::{Choice, choose};
use crate::limits::{LOGIN_TIMEOUT, UNSEEN_USER_PATIENCE};
use crate::sql::character_set::{CharacterSet, DEFAULT_COLLATION};
use crate::worker::Shared;

/// What the gate offers to clients.
const OFFERED: CapabilityFlags = CapabilityFlags::CLIENT_LONG_PASSWORD
    .union(CapabilityFlags::CLIENT_FOUND_ROWS)
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_CONNECT_WITH_DB)
    .union(CapabilityFlags::CLIENT_IGNORE_SPACE)
    .union(CapabilityFlags::CLIENT_PROTOCOL_41)
    .union(CapabilityFlags::CLIENT_SSL)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PS_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_CONNECT_ATTRS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_DEPRECATE_EOF);

/// What clients are greeted with before any tablet has said which MySQL it runs.
const FALLBACK_VERSION: &str = "8.4.0";

/// A client that has logged in.
pub(super) struct LoggedIn {
    pub(super) client: Connection,
    pub(super) capabilities: CapabilityFlags,
    pub(super) collation: u8,
    pub(super) character_set: CharacterSet,
    pub(super) rights: Rights,
    pub(super) who: Who,
    /// Where it begins.
    pub(super) choice: Choice,
}

/// Greets, authenticates, and answers OK; or tells the client why not.
pub(super) async fn log_in(
    shared: &Shared,
    mut client: Connection,
    host: &str,
) -> Result<LoggedIn, SessionEnd> {
    let nonce = auth::new_nonce().map_err(|error| SessionEnd::Fault(error.to_string()))?;
    let snapshot = shared.feed.snapshot();
    let connection = shared.last_connection.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
    let greeting = Greeting {
        server_version: lowest_version(&snapshot),
        connection_id: connection,
        capabilities: OFFERED,
        nonce: &nonce,
        collation: DEFAULT_COLLATION,
    };
    let sequence = client.write_payload(0, &greeting.payload()).await?;
    let (mut client, hello, sequence) = read_hello(shared, client, sequence).await?;
    let mut exchange = Exchange { client: &mut client, nonce, sequence };
    let outcome = match exchange.authenticate(shared, &hello, host).await {
        Ok(rights) => admit(shared, &hello, rights),
        Err(Refusal::End(end)) => return Err(end),
        Err(Refusal::Tell(error)) => Err(error),
    };
    let sequence = exchange.sequence;
    let mut out = BytesMut::new();
    match outcome {
        Ok((rights, character_set, choice)) => {
            write_ok(&mut out, sequence, StatusFlags::SERVER_STATUS_AUTOCOMMIT, 0);
            client.write_all(&out).await?;
            let capabilities = hello.capabilities & OFFERED;
            let user = String::from_utf8_lossy(&hello.user).into_owned();
            let who = Who { user, host: host.to_owned(), connection };
            Ok(LoggedIn {
                client,
                capabilities,
                collation: hello.collation,
                character_set,
                rights,
                who,
                choice,
            })
        }
        Err(error) => {
            write_error(&mut out, sequence, &error);
            client.write_all(&out).await?;
            client.shutdown().await;
            Err(SessionEnd::Refused(error))
        }
    }
}

/// The lowest version among the primaries, so that clients use no feature that one of them lacks.
fn lowest_version(snapshot: &Snapshot) -> &str {
    let primaries =
        snapshot.keyspaces().flat_map(|keyspace| &keyspace.shards).filter_map(|shard| shard.primary.as_ref());
    let numbers = |version: &&str| {
        version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok()).collect::<Vec<u32>>()
    };
    primaries.map(|primary| primary.mysql_version.as_str()).min_by_key(numbers).unwrap_or(FALLBACK_VERSION)
}

/// The client's answer to the greeting, inside TLS if it asks for that first.
async fn read_hello(
    shared: &Shared,
    mut client: Connection,
    sequence: u8,
) -> Result<(Connection, ClientHello, u8), SessionEnd> {
    let (payload, next) = read_or_refuse(&mut client, sequence).await?;
    match parse_first_packet(&payload) {
        Ok(FirstPacket::Hello(hello)) => return Ok((client, hello, next)),
        Ok(FirstPacket::SslRequest) => {}
        Err(_) => return Err(refuse(&mut client, next, ErrorId::BadHandshake.plain()).await),
    }
    let mut client = client.accept_tls(shared.tls.clone()).await?;
    let (payload, next) = read_or_refuse(&mut client, next).await?;
    match parse_first_packet(&payload) {
        Ok(FirstPacket::Hello(hello)) => Ok((client, hello, next)),
        _ => Err(refuse(&mut client, next, ErrorId::BadHandshake.plain()).await),
    }
}

/// Reads a packet of the handshake; one that breaks the protocol is answered with its error.
async fn read_or_refuse(client: &mut Connection, sequence: u8) -> Result<(Vec<u8>, u8), SessionEnd> {
    match client.read_packet_alone(sequence, MAX_HANDSHAKE_PACKET_BYTES).await {
        Ok(read) => Ok(read),
        Err(ReadError::TooLarge { .. }) => {
            Err(refuse(client, sequence, ErrorId::PacketTooLarge.plain()).await)
        }
        Err(ReadError::OutOfOrder) => Err(refuse(client, sequence, ErrorId::PacketsOutOfOrder.plain()).await),
        Err(error) => Err(error.into()),
    }
}

async fn refuse(client: &mut Connection, sequence: u8, error: ClientError) -> SessionEnd {
    let mut out = BytesMut::new();
    write_error(&mut out, sequence, &error);
    // The client may be gone already, which changes nothing.
    let _ = client.write_all(&out).await;
    client.shutdown().await;
    SessionEnd::Refused(error)
}

impl Session {
    /// COM_CHANGE_USER: the session begins anew as another user's, who logs in within the connection. Its packet is no
    /// longer in the client's buffer afterwards.
    pub(super) async fn change_user(&mut self, mut framed: Framed) -> Result<Framed, SessionEnd> {
        let payload = self.client.payload(framed, &mut self.scratch);
        let hello = match parse_change_user(&payload[1..], self.capabilities) {
            Ok(hello) => hello,
            Err(_) => return Err(self.close_with(ErrorId::UnknownCommand.plain()).await),
        };
        self.reset().await;
        self.client.consume(std::mem::take(&mut framed.wire_bytes));
        let nonce = auth::new_nonce().map_err(|error| SessionEnd::Fault(error.to_string()))?;
        // Its answer was for an earlier nonce: it is asked again.
        let hello = ClientHello { plugin: None, ..hello };
        let (shared, host) = (self.worker.shared.clone(), self.who.host.clone());
        let mut exchange = Exchange { client: &mut self.client, nonce, sequence: self.answers_at };
        let authenticated = timeout(LOGIN_TIMEOUT, exchange.authenticate(&shared, &hello, &host)).await;
        let sequence = exchange.sequence;
        let admitted = match authenticated {
            Ok(Ok(rights)) => admit(&shared, &hello, rights),
            Ok(Err(Refusal::Tell(error))) => Err(error),
            Ok(Err(Refusal::End(end))) => return Err(end),
            Err(_) => return Err(SessionEnd::Left),
        };
        self.answers_at = sequence;
        let (rights, character_set, choice) = match admitted {
            Ok(admitted) => admitted,
            Err(error) => return Err(self.close_with(error).await),
        };
        (self.collation, self.character_set) = (hello.collation, character_set);
        self.began = (hello.collation, character_set);
        (self.rights, self.class) = (rights, None);
        self.who.user = String::from_utf8_lossy(&hello.user).into_owned();
        self.presence.becomes(&self.who.user);
        self.database = None;
        self.choose(choice);
        self.answer_ok().await?;
        Ok(framed)
    }
}

/// What a known client may do, and where it begins.
fn admit(
    shared: &Shared,
    hello: &ClientHello,
    rights: Rights,
) -> Result<(Rights, CharacterSet, Choice), ClientError> {
    let character_set = CharacterSet::of_collation(hello.collation)?;
    let choice = match &hello.database {
        None => Choice::default(),
        Some(name) => {
            let name = String::from_utf8_lossy(name);
            choose(&name, &rights, &shared.feed.load())?
        }
    };
    Ok((rights, character_set, choice))
}

enum Refusal {
    Tell(ClientError),
    End(SessionEnd),
}

impl<E: Into<SessionEnd>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::End(error.into())
    }
}

struct Exchange<'a> {
    client: &'a mut Connection,
    nonce: Nonce,
    sequence: u8,
}

impl Exchange<'_> {
    /// The rights of the client's user, if its password is right. An unknown user takes the same way as one
    /// with a wrong password.
    async fn authenticate(
        &mut self,
        shared: &Shared,
        hello: &ClientHello,
        host: &str,
    ) -> Result<Rights, Refusal> {
        let user = String::from_utf8_lossy(&hello.user).into_owned();
        let mut answer = hello.auth_response.clone();
        if hello.plugin.as_deref() != Some(auth::PLUGIN.as_bytes()) {
            answer = self.switch_method().await?;
        }
        // Clients without a password send nothing, or a single zero byte.
        let using = if matches!(answer.as_slice(), [] | [0]) { "NO" } else { "YES" };
        let denied = || {
            Refusal::Tell(
                ErrorId::AccessDenied.with(format_args!("'{user}'@'{host}' (using password: {using})")),
            )
        };
        if using == "NO" {
            return Err(denied());
        }
        let record = shared.feed.load().user(&user).cloned();
        if let Some(record) = &record
            && shared.credentials.check_fast(&user, record, &answer, &self.nonce)
        {
            self.say(&[auth::MORE_DATA, auth::FAST_OK]).await?;
            return Rights::of(&user, &shared.feed.load()).ok_or_else(denied);
        }
        let password = self.ask_for_password(shared).await?;
        let Some(password) = password else { return Err(denied()) };
        let right = if is_right(shared, record.as_ref(), &password).await {
            record
        } else {
            match unseen(shared, &user, record.as_ref()).await {
                Some(unseen) if is_right(shared, Some(&unseen), &password).await => Some(unseen),
                _ => None,
            }
        };
        let record = right.ok_or_else(denied)?;
        shared.credentials.remember(&user, &record, &password);
        Rights::of(&user, &shared.feed.load()).ok_or_else(denied)
    }

    async fn switch_method(&mut self) -> Result<Vec<u8>, SessionEnd> {
        let mut request = vec![auth::SWITCH_REQUEST];
        request.extend_from_slice(auth::PLUGIN.as_bytes());
        request.push(0);
        request.extend_from_slice(&self.nonce);
        request.push(0);
        self.say(&request).await?;
        self.hear().await
    }

    /// The client's password, by whichever way is safe on this connection; `None` if it cannot be read.
    async fn ask_for_password(&mut self, shared: &Shared) -> Result<Option<Vec<u8>>, SessionEnd> {
        self.say(&[auth::MORE_DATA, auth::FULL_NEEDED]).await?;
        let mut answer = self.hear().await?;
        if self.client.is_tls() {
            return Ok(auth::strip_zero(&answer).map(<[u8]>::to_vec));
        }
        if answer == [auth::PUBLIC_KEY_REQUEST] {
            let mut key = vec![auth::MORE_DATA];
            key.extend_from_slice(shared.server_key.public_pem().as_bytes());
            self.say(&key).await?;
            answer = self.hear().await?;
        }
        Ok(shared.server_key.decrypt_password(&answer, &self.nonce).ok())
    }

    async fn say(&mut self, payload: &[u8]) -> Result<(), SessionEnd> {
        self.sequence = self.client.write_payload(self.sequence, payload).await?;
        Ok(())
    }

    async fn hear(&mut self) -> Result<Vec<u8>, SessionEnd> {
        let (payload, next) = read_or_refuse(self.client, self.sequence).await?;
        self.sequence = next;
        Ok(payload)
    }
}

/// Whether the password is the user's. Where there is no such user, it takes as long to be wrong.
async fn is_right(shared: &Shared, record: Option<&UserRecord>, password: &[u8]) -> bool {
    let candidate = record.cloned().unwrap_or_else(|| shared.nobody.clone());
    let password = password.to_vec();
    // Hashing takes milliseconds by design: not on a thread that serves others.
    let verified = tokio::task::spawn_blocking(move || candidate.verify(&password)).await;
    record.is_some() && verified.unwrap_or(false)
}

/// The user as the topology has them now, if that is news to this gate: whoever was told that a user is made, or has
/// another password, may log in at every gate.
async fn unseen(shared: &Shared, user: &str, seen: Option<&UserRecord>) -> Option<UserRecord> {
    user.parse::<UserName>().ok()?;
    let key = shared.topology.keys().user(user);
    let read = timeout(UNSEEN_USER_PATIENCE, shared.topology.read::<UserRecord>(&key)).await;
    let stored = read.ok()?.ok().flatten().filter(|stored| Some(&stored.value) != seen)?;
    // The rights are taken from the snapshot, as every later statement does.
    shared.feed.at_least(stored.revision, UNSEEN_USER_PATIENCE).await.ok()?;
    Some(stored.value)
}
