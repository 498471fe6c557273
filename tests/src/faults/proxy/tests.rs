use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
/// How long silence is listened to before it is believed.
const SILENCE: Duration = Duration::from_millis(200);

/// Both ends of a connection through a proxy.
fn line(proxy: &Proxy, listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    let (server, _) = listener.accept().unwrap();
    for end in [&client, &server] {
        end.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (client, server)
}

fn bed() -> (TcpListener, Proxy) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).unwrap();
    (listener, proxy)
}

fn say(from: &mut TcpStream, what: &str) {
    from.write_all(what.as_bytes()).unwrap();
}

fn hear(at: &mut TcpStream, length: usize) -> String {
    let mut buffer = vec![0; length];
    at.read_exact(&mut buffer).unwrap();
    String::from_utf8(buffer).unwrap()
}

fn is_silent(at: &mut TcpStream) -> bool {
    at.set_read_timeout(Some(SILENCE)).unwrap();
    let read = at.read(&mut [0]);
    at.set_read_timeout(Some(PATIENCE)).unwrap();
    matches!(read, Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
}

#[test]
fn it_passes_both_ways_and_the_end_too() {
    let (listener, proxy) = bed();
    let (mut client, mut server) = line(&proxy, &listener);
    say(&mut client, "question");
    assert_eq!(hear(&mut server, 8), "question");
    say(&mut server, "answer");
    assert_eq!(hear(&mut client, 6), "answer");
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    say(&mut server, "late");
    assert_eq!(hear(&mut client, 4), "late");
}

#[test]
fn a_stalled_direction_waits_while_the_other_passes() {
    let (listener, proxy) = bed();
    let (mut client, mut server) = line(&proxy, &listener);
    proxy.set(Direction::ToClient, Way::Stall);
    say(&mut server, "answer");
    say(&mut client, "question");
    assert_eq!(hear(&mut server, 8), "question");
    assert!(is_silent(&mut client));
    proxy.set(Direction::ToClient, Way::Pass);
    assert_eq!(hear(&mut client, 6), "answer");
}

#[test]
fn a_delayed_byte_is_not_there_before_its_time() {
    let (listener, proxy) = bed();
    let (mut client, mut server) = line(&proxy, &listener);
    let time = Duration::from_millis(300);
    proxy.set(Direction::ToServer, Way::Delay(time));
    let sent = Instant::now();
    say(&mut client, "late");
    assert_eq!(hear(&mut server, 4), "late");
    assert!(sent.elapsed() >= time);
    // A change of mind reaches what already waits.
    proxy.set(Direction::ToServer, Way::Delay(Duration::from_secs(3600)));
    say(&mut client, "soon");
    assert!(is_silent(&mut server));
    proxy.set(Direction::ToServer, Way::Pass);
    assert_eq!(hear(&mut server, 4), "soon");
}

#[test]
fn a_cut_comes_after_exactly_so_many_bytes() {
    let (listener, proxy) = bed();
    let (mut client, mut server) = line(&proxy, &listener);
    say(&mut server, "before");
    assert_eq!(hear(&mut client, 6), "before");
    proxy.set(Direction::ToClient, Way::CutAfter(3));
    say(&mut server, "answer");
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"ans");
    // New connections are counted by themselves.
    let (mut client, mut server) = line(&proxy, &listener);
    say(&mut server, "another");
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert_eq!(all, b"ano");
}

#[test]
fn a_reset_is_seen_on_both_sides() {
    let (listener, proxy) = bed();
    let (mut client, mut server) = line(&proxy, &listener);
    say(&mut client, "x");
    assert_eq!(hear(&mut server, 1), "x");
    proxy.reset();
    for end in [&mut client, &mut server] {
        assert_eq!(end.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    // The next connection is a new one.
    let (mut client, mut server) = line(&proxy, &listener);
    say(&mut client, "y");
    assert_eq!(hear(&mut server, 1), "y");
}

#[test]
fn refusing_is_for_newcomers_only_and_ends() {
    let (listener, proxy) = bed();
    let (mut client, mut server) = line(&proxy, &listener);
    proxy.refuse();
    let address = ("127.0.0.1", proxy.port());
    let refused =
        || TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    crate::process::wait_for("it refuses", PATIENCE, refused).unwrap();
    say(&mut client, "still here");
    assert_eq!(hear(&mut server, 10), "still here");
    proxy.accept();
    crate::process::wait_for("it accepts", PATIENCE, || TcpStream::connect(address).is_ok()).unwrap();
}
