//! What a client does wrong on the wire: the gate answers as MySQL does, and goes on serving others.

use anyhow::{Context, Result, ensure};
use tests::cluster::Cluster;
use tests::mysqld::PlainMysqld;
use tests::raw_client::{RawClient, Received, login_packet, packet};

const PING: &[u8] = &[0x0e];
const INIT_DB: &[u8] = &[0x02];
const QUERY: &[u8] = &[0x03];
const PROCESS_KILL: u8 = 0x0c;
const STMT_PREPARE: u8 = 0x16;
const STMT_EXECUTE: u8 = 0x17;
const STMT_SEND_LONG_DATA: u8 = 0x18;
const STMT_CLOSE: u8 = 0x19;
const STMT_RESET: u8 = 0x1a;
const STMT_FETCH: u8 = 0x1c;
const RESET_CONNECTION: u8 = 0x1f;
const CHANGE_USER: u8 = 0x11;

/// Whom a scenario is played against.
struct Server {
    port: u16,
    user: &'static str,
    password: &'static str,
}

impl Server {
    fn guest(&self) -> Result<RawClient> {
        RawClient::connect(self.port)
    }

    fn client(&self) -> Result<RawClient> {
        let mut client = self.guest()?;
        client.login(self.user, self.password, "")?;
        Ok(client)
    }
}

/// What a scenario has seen: error codes with SQLSTATE, `ok`, `rows`, or `closed`.
type Seen = Vec<String>;

type Scenario = fn(&Server) -> Result<Seen>;

fn seen(received: &Received) -> String {
    match (received.error(), received) {
        (Some(error), _) => format!("{} {}", error.code, error.sqlstate),
        (None, Received::Closed) => "closed".to_owned(),
        (None, received) if received.is_ok() => "ok".to_owned(),
        _ => "rows".to_owned(),
    }
}

fn next(client: &mut RawClient) -> Result<String> {
    Ok(seen(&client.receive()?))
}

fn answer(client: &mut RawClient, command: &[u8]) -> Result<String> {
    client.command(command)?;
    next(client)
}

const SCENARIOS: &[(&str, Scenario)] = &[
    ("an unknown command", |server| {
        let mut client = server.client()?;
        Ok(vec![
            answer(&mut client, &[0xfa])?,
            answer(&mut client, &[0x05, b'x'])?,
            answer(&mut client, PING)?,
        ])
    }),
    ("a command without a content", |server| {
        let mut client = server.client()?;
        Ok(vec![answer(&mut client, QUERY)?, answer(&mut client, PING)?])
    }),
    ("a database that is none", |server| {
        let mut client = server.client()?;
        Ok(vec![answer(&mut client, &[INIT_DB, b"nowhere"].concat())?, answer(&mut client, PING)?])
    }),
    ("prepared statements that are none", |server| {
        let mut client = server.client()?;
        let of = |command: u8, rest: &[u8]| [&[command, 7, 0, 0, 0], rest].concat();
        let mut seen = vec![
            answer(&mut client, &of(STMT_EXECUTE, &[0, 1, 0, 0, 0]))?,
            answer(&mut client, &of(STMT_RESET, &[]))?,
            answer(&mut client, &of(STMT_FETCH, &[1, 0, 0, 0]))?,
            answer(&mut client, &[&[STMT_PREPARE], &b"SELECT 'no end"[..]].concat())?,
        ];
        // These have no answer.
        client.command(&of(STMT_CLOSE, &[]))?;
        client.command(&of(STMT_SEND_LONG_DATA, b"\0\0long"))?;
        seen.push(answer(&mut client, PING)?);
        Ok(seen)
    }),
    ("values of a prepared statement that are none", |server| {
        let mut client = server.client()?;
        let sql = b"SELECT ? + ?";
        client.command(&[&[STMT_PREPARE], &sql[..]].concat())?;
        ensure!(seen(&client.receive()?) != "closed");
        // Two values and a column, each list with its end.
        for _ in 0..5 {
            client.receive()?;
        }
        let head = [STMT_EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0];
        let types = [3, 0, 3, 0];
        let cut = [&head[..], &[0, 1], &types, &[1, 0, 0, 0, 2]].concat();
        let mut seen = vec![answer(&mut client, &head)?, answer(&mut client, &cut)?];
        seen.push(answer(&mut client, &[&head[..], &[3, 1], &types].concat())?);
        Ok(seen)
    }),
    ("a session that begins anew", |server| {
        let mut client = server.client()?;
        client.command(&[&[STMT_PREPARE], &b"SET sql_mode = DEFAULT"[..]].concat())?;
        ensure!(seen(&client.receive()?) != "closed");
        let execute = [STMT_EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0];
        Ok(vec![
            answer(&mut client, &execute)?,
            answer(&mut client, &[RESET_CONNECTION])?,
            answer(&mut client, &execute)?,
            answer(&mut client, PING)?,
        ])
    }),
    ("another user who is cut off", |server| {
        let mut client = server.client()?;
        Ok(vec![answer(&mut client, &[&[CHANGE_USER], &b"nobody"[..]].concat())?])
    }),
    ("a packet with the wrong number", |server| {
        let mut client = server.client()?;
        client.send_bytes(&packet(7, PING))?;
        Ok(vec![next(&mut client)?, next(&mut client)?])
    }),
    ("half a packet and the end", |server| {
        let mut client = server.client()?;
        client.send_bytes(&packet(0, b"\x03SELECT 1")[..8])?;
        client.finish_sending()?;
        // MySQL still says so to the half of the connection that is left; there is nobody who needs it.
        let seen = next(&mut client)?;
        ensure!(matches!(seen.as_str(), "closed" | "1158 08S01"), "{seen}");
        Ok(vec![])
    }),
    ("commands in one write", |server| {
        let mut client = server.client()?;
        client.send_bytes(&[packet(0, PING), packet(0, PING), packet(0, PING)].concat())?;
        Ok(vec![next(&mut client)?, next(&mut client)?, next(&mut client)?])
    }),
    ("a command byte by byte", |server| {
        let mut client = server.client()?;
        for byte in packet(0, b"\x02nowhere") {
            client.send_bytes(&[byte])?;
        }
        Ok(vec![next(&mut client)?])
    }),
    ("a login that is too short", |server| {
        let mut client = server.guest()?;
        client.send_bytes(&packet(1, &[0x0d, 0x82]))?;
        Ok(vec![next(&mut client)?, next(&mut client)?])
    }),
    ("a login with the wrong number", |server| {
        let mut client = server.guest()?;
        client.send_bytes(&packet(5, &login_packet(server.user, &[], "")))?;
        Ok(vec![next(&mut client)?, next(&mut client)?])
    }),
    ("a login with a user that is nobody", |server| {
        let mut client = server.guest()?;
        // MySQL hides that it knows no such user, behind an authentication method of its choice.
        ensure!(client.login("nobody", "guess", "").is_err(), "nobody got in");
        Ok(vec![])
    }),
    ("a login with the wrong password", |server| {
        let mut client = server.guest()?;
        let error = client.login(server.user, "guess", "").err().context("a guess got in")?;
        ensure!(error.to_string().contains("1045"), "{error}");
        Ok(vec![next(&mut client)?])
    }),
    ("a login without a password", |server| {
        let mut client = server.guest()?;
        let error = client.login(server.user, "", "").err().context("nothing got in")?;
        ensure!(error.to_string().contains("1045"), "{error}");
        Ok(vec![next(&mut client)?])
    }),
    ("a login to a database that is none", |server| {
        let mut client = server.guest()?;
        let error =
            client.login(server.user, server.password, "nowhere").err().context("nowhere is there")?;
        ensure!(error.to_string().contains("1049"), "{error}");
        Ok(vec![next(&mut client)?])
    }),
    ("a guest who leaves", |server| {
        let mut client = server.guest()?;
        client.finish_sending()?;
        client.receive()?;
        Ok(vec![])
    }),
    ("killing a connection that is none", |server| {
        let mut client = server.client()?;
        Ok(vec![answer(&mut client, &[PROCESS_KILL, 0xff, 0xff, 0xff, 0x7f])?, answer(&mut client, PING)?])
    }),
    ("a statement over several packets", |server| {
        let mut client = server.client()?;
        let long = format!("SELECT LENGTH('{}')", "x".repeat(17 << 20));
        Ok(vec![answer(&mut client, &[QUERY, long.as_bytes()].concat())?])
    }),
    ("a packet over the bound", |server| {
        let mut client = server.client()?;
        // Only the header of each part is true: the bound is known before the content has arrived.
        let part = packet(0, &vec![b'x'; 0xff_ffff]);
        for number in 0..5 {
            let mut part = part.clone();
            part[3] = number;
            // The server may end the connection at any time from here on.
            if client.send_bytes(&part).is_err() {
                break;
            }
        }
        // The error may be lost with the connection, since it overtakes bytes that nobody reads.
        let seen = next(&mut client).unwrap_or_else(|_| "closed".to_owned());
        ensure!(matches!(seen.as_str(), "closed" | "1153 08S01"), "{seen}");
        Ok(vec![])
    }),
];

fn play(server: &Server) -> Vec<(&'static str, String)> {
    let one = |(name, scenario): &(&'static str, Scenario)| {
        let outcome = scenario(server);
        (*name, outcome.map_or_else(|error| format!("{error:#}"), |seen| seen.join(", ")))
    };
    SCENARIOS.iter().map(one).collect()
}

#[test]
fn the_gate_answers_broken_clients_as_mysql_does() -> Result<()> {
    let judge = PlainMysqld::start()?;
    let mut root = RawClient::connect(judge.port())?;
    root.login("root", "", "")?;
    for account in ["CREATE USER app@'127.0.0.1' IDENTIFIED BY 'app'", "GRANT ALL ON *.* TO app@'127.0.0.1'"]
    {
        assert_eq!(answer(&mut root, &[QUERY, account.as_bytes()].concat())?, "ok");
    }
    let expected = play(&Server { port: judge.port(), user: "app", password: "app" });

    let cluster = Cluster::start(CLUSTER)?;
    let gate = Server { port: cluster.gate_port(), user: "app", password: "app" };
    assert_eq!(play(&gate), expected);
    // Nobody else has suffered.
    assert_eq!(answer(&mut gate.client()?, PING)?, "ok");
    Ok(())
}

const CLUSTER: &str = "\
apiVersion: shoal.dev/v1alpha1
kind: ShoalCluster
metadata:
  name: wire
spec:
  gates: {port: {gate_port}}
  users:
    - {name: app, password: app, role: admin}
  keyspaces:
    - name: main
";
