use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
/// How long silence is listened to before it is believed.
const SILENCE: Duration = Duration::from_millis(400);

/// The child's part, a program of its own: connects, then sends what it is told on its input and prints what it
/// hears.
const TALKER: &str = r#"
exec 3<>/dev/tcp/$0/$1
cat <&3 & cat >&3
"#;

/// A connection from a host to the test, with both directions of it in the test's hand.
struct Line {
    here: TcpStream,
    child: Child,
    say_there: ChildStdin,
    heard_there: BufReader<ChildStdout>,
}

impl Line {
    fn open(network: &Network, host: usize) -> Self {
        let listener = TcpListener::bind((network.address(End::Outside), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let mut command = network.command(host, std::path::Path::new("bash"));
        command.args(["-c", TALKER]).arg(address.ip().to_string()).arg(address.port().to_string());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let (here, from) = listener.accept().unwrap();
        assert_eq!(from.ip(), network.address(End::Host(host)));
        let (say_there, heard_there) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { here, child, say_there, heard_there: BufReader::new(heard_there) }
    }

    fn say_there(&mut self, line: &str) {
        self.say_there.write_all(line.as_bytes()).unwrap();
        self.say_there.flush().unwrap();
    }

    fn say_here(&mut self, line: &str) {
        self.here.write_all(line.as_bytes()).unwrap();
    }

    /// What arrives here before the silence.
    fn hear_here(&mut self, limit: Duration) -> String {
        self.here.set_read_timeout(Some(limit)).unwrap();
        let mut buffer = [0; 64];
        self.here
            .read(&mut buffer)
            .map(|n| String::from_utf8_lossy(&buffer[..n]).into_owned())
            .unwrap_or_default()
    }

    fn hear_there(&mut self) -> String {
        let mut line = String::new();
        self.heard_there.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}

#[test]
fn lines_from_a_host_are_lost_silently_and_arrive_after_healing() {
    let network = Network::new(1).unwrap();
    let mut line = Line::open(&network, 0);
    line.say_there("one\n");
    assert_eq!(line.hear_here(PATIENCE), "one\n");
    network.lose(End::Host(0), End::Outside).unwrap();
    line.say_there("two\n");
    assert_eq!(line.hear_here(SILENCE), "", "what is lost arrived");
    network.heal(End::Host(0), End::Outside).unwrap();
    // TCP sends it again.
    assert_eq!(line.hear_here(PATIENCE), "two\n");
}

#[test]
fn the_other_direction_passes_while_one_is_lost() {
    let network = Network::new(1).unwrap();
    let mut line = Line::open(&network, 0);
    network.lose(End::Host(0), End::Outside).unwrap();
    line.say_here("to the host\n");
    assert_eq!(line.hear_there(), "to the host\n");
    network.heal(End::Host(0), End::Outside).unwrap();

    network.lose(End::Outside, End::Host(0)).unwrap();
    line.say_there("from the host\n");
    assert_eq!(line.hear_here(PATIENCE), "from the host\n");
    line.say_here("never heard\n");
    network.heal(End::Outside, End::Host(0)).unwrap();
    assert_eq!(line.hear_there(), "never heard\n", "TCP sends it again");
}

/// Whether a connection from one host to the other is made in the time.
fn connects(network: &Network, from: usize, to: SocketAddr) -> bool {
    let mut command = network.command(from, std::path::Path::new("timeout"));
    let script = format!("exec 3<>/dev/tcp/{}/{}", to.ip(), to.port());
    command.args(["0.4", "bash", "-c", &script]).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn a_cut_is_between_two_ends_only_and_isolation_is_from_all() {
    let network = Network::new(2).unwrap();
    let listener = TcpListener::bind((network.address(End::Outside), 0)).unwrap();
    let here = listener.local_addr().unwrap();
    assert!(connects(&network, 0, here) && connects(&network, 1, here));
    network.cut(End::Host(0), End::Outside).unwrap();
    assert!(!connects(&network, 0, here) && connects(&network, 1, here));
    network.join(End::Host(0), End::Outside).unwrap();
    assert!(connects(&network, 0, here));
    network.isolate(1).unwrap();
    assert!(!connects(&network, 1, here) && connects(&network, 0, here));
    network.reconnect(1).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !connects(&network, 1, here) {
        assert!(Instant::now() < deadline, "still isolated");
    }
}

fn names() -> String {
    ip(&["netns", "list"]).unwrap() + &ip(&["-o", "link", "show"]).unwrap()
}

#[test]
fn nothing_is_left_after_a_panic_nor_of_a_killed_run() {
    let name = std::panic::catch_unwind(|| {
        let network = Network::new(1).unwrap();
        std::panic::panic_any(network.name.clone());
    });
    let name = *name.unwrap_err().downcast::<String>().unwrap();
    assert!(!names().contains(&name), "{}", names());

    let mut ended = Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let left = format!("{PREFIX}{}x1", ended.id());
    ip(&["netns", "add", &format!("{left}h0")]).unwrap();
    ip(&["link", "add", &left, "type", "veth", "peer", "name", "eth0", "netns", &format!("{left}h0")])
        .unwrap();
    assert!(names().contains(&left));
    drop(Network::new(0).unwrap());
    assert!(!names().contains(&left), "{}", names());
}
