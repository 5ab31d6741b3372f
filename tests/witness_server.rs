//! The real witness and the real client, over the loopback interface.
//!
//! Runs only with the feature `server`. Every witness takes a free port and says which.

#![expect(clippy::unwrap_used, reason = "tests may stop at the first surprise")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use schwabot::audit::{VerifyOptions, verify};
use schwabot::checkpoint::{HttpTransport, Note, Policy, REQUEST_BYTES_MAX, Transport};
use schwabot::hash;

/// The program, which talks to no proxy here.
fn program<S: AsRef<OsStr>>(args: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schwabot"));
    command.args(args).stdin(Stdio::null());
    for name in ["http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command
}

#[track_caller]
fn run<S: AsRef<OsStr>>(args: &[S]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = program(args).output().unwrap();
    let text = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
    (status.code(), text)
}

/// A running witness; it dies with the test.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Starts a witness and waits for its first line.
    fn start(place: &Place, name: &str) -> Self {
        let mut child = program(&[
            OsStr::new("witness"),
            OsStr::new("--key"),
            place.path(&format!("{name}.key")).as_os_str(),
            OsStr::new("--log"),
            OsStr::new(&place.log),
            OsStr::new("--state"),
            place.path(&format!("{name}.state")).as_os_str(),
            OsStr::new("--listen"),
            OsStr::new("127.0.0.1:0"),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line}");
        Self { child, url }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Presses Ctrl-C, and returns how it ended.
    fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }

    /// Sends bytes as they are, and returns all that comes back.
    fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n").as_bytes())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A ledger, the key of its log, and those of three witnesses.
struct Place {
    dir: tempfile::TempDir,
    log: String,
    witnesses: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keygen = |name: &str, out: &str, more: &[&str]| {
            let out = dir.path().join(out).display().to_string();
            let (code, text) = run(&[&["keygen", "--name", name, "-o", &out], more].concat());
            assert_eq!(code, Some(0), "{text}");
            text.trim_end().to_owned()
        };
        let log = keygen("example.com/bot", "log.key", &[]);
        let witnesses = (1..=3)
            .map(|n| {
                keygen(&format!("witness.example/w{n}"), &format!("w{n}.key"), &["--cosigner"])
            })
            .collect();
        let place = Self { dir, log, witnesses };
        let ledger = place.ledger();
        let (code, text) = run(&["demo", "--cycles", "200", "--ledger", &ledger]);
        assert_eq!(code, Some(0), "{text}");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn ledger(&self) -> String {
        self.path("ledger").display().to_string()
    }

    /// Writes a policy that two of the three witnesses meet.
    fn policy(&self, urls: &[&str; 3]) -> String {
        let mut text = format!("log {}\n", self.log);
        for ((number, key), url) in (1..).zip(&self.witnesses).zip(urls) {
            text += &format!("witness w{number} {key} {url}\n");
        }
        text += "group two 2 w1 w2 w3\nquorum two\n";
        let path = self.path("policy");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn checkpoint(&self, policy: &str) -> (Option<i32>, String) {
        let key = self.path("log.key").display().to_string();
        run(&["checkpoint", &self.ledger(), "--key", &key, "--policy", policy])
    }

    /// Records more, so that there is something new to sign.
    fn grow(&self, name: &str) {
        let data = self.path(name);
        let mut text = "date,open,high,low,close,volume\n".to_owned();
        (0..50).for_each(|n| text += &format!("{},10,11,9,{},5\n", 1_620_000_000 + n * 60, 10));
        std::fs::write(&data, text).unwrap();
        let data = format!("BTC/USDC={}", data.display());
        let (code, text) = run(&[
            "backtest",
            "--data",
            &data,
            "--interval",
            "1m",
            "--ledger",
            &self.ledger(),
            "--append",
        ]);
        assert_eq!(code, Some(0), "{text}");
    }
}

#[test]
fn a_ledger_is_witnessed_by_two_servers_of_three_and_again_after_they_restarted() {
    let place = Place::new();
    let (one, two) = (Server::start(&place, "w1"), Server::start(&place, "w2"));
    let nobody = "http://127.0.0.1:1";
    // With one slash and with two, the address is the same.
    let policy = place.policy(&[&one.url, &format!("{}/", two.url), nobody]);
    let (code, text) = place.checkpoint(&policy);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("w1 cosigned at 2") && text.contains("w2 cosigned at 2"), "{text}");
    assert!(text.contains("w3 is away: "), "{text}");
    assert!(text.contains("the policy is met: 2 of 3 witnesses"), "{text}");
    check(&place, &policy, 2);
    // From here on the third has no address: waiting for nobody once is enough.
    let policy = place.policy(&[&one.url, &two.url, ""]);
    // Monitors see the same note.
    let id = hash::sha256(b"example.com/bot");
    let answer = one.get(&format!("/{id}/checkpoint"));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let (_, note) = answer.split_once("\r\n\r\n").unwrap();
    let own = std::fs::read(place.path("ledger").join("checkpoint")).unwrap();
    let (note, own) = (Note::parse(note.as_bytes()).unwrap(), Note::parse(&own).unwrap());
    assert_eq!(note.checkpoint(), own.checkpoint());
    assert!(one.get(&format!("/{}/checkpoint", hash::sha256(b"x"))).contains(" 404 "));
    // Ctrl-C ends a witness; the next one goes on.
    assert_eq!(two.stop(), Some(0));
    place.grow("more.csv");
    let (code, text) = place.checkpoint(&policy);
    assert_eq!(code, Some(14), "{text}");
    assert!(text.contains("the policy is not met: ") && text.contains("w2 is away: "), "{text}");
    let two = Server::start(&place, "w2");
    let policy = place.policy(&[&one.url, &two.url, ""]);
    let (code, text) = place.checkpoint(&policy);
    assert_eq!(code, Some(0), "{text}");
    check(&place, &policy, 2);
    // What a witness remembers is not in the ledger: without its notes it tells the size.
    std::fs::remove_dir_all(place.path("ledger").join("checkpoints")).unwrap();
    std::fs::remove_file(place.path("ledger").join("checkpoint")).unwrap();
    place.grow("still-more.csv");
    let (code, text) = place.checkpoint(&policy);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(one.stop(), Some(0));
}

#[track_caller]
fn check(place: &Place, policy: &str, cosigned: usize) {
    let policy = Policy::parse(&std::fs::read(policy).unwrap()).unwrap();
    let options = VerifyOptions { policy: Some(policy), ..VerifyOptions::default() };
    let report = verify(Path::new(&place.ledger()), &options).unwrap();
    assert_eq!(report.exit_code(), 0, "{:?}", report.findings);
    let witnessed = report.provable[0].witnessed.unwrap();
    assert_eq!((witnessed.cosigned, witnessed.of), (cosigned, 3));
}

#[test]
fn a_second_witness_on_the_same_state_does_not_start() {
    let place = Place::new();
    let first = Server::start(&place, "w1");
    let path = |name: &str| place.path(name).display().to_string();
    let (key, state) = (path("w1.key"), path("w1.state"));
    let args = ["witness", "--key", &key, "--log", &place.log, "--state", &state];
    let (code, text) = run(&[&args[..], &["--listen", "127.0.0.1:0"]].concat());
    assert_eq!(code, Some(2));
    assert!(text.contains("belongs to a witness that is running"), "{text}");
    // An address that is taken is no reason to hang either.
    let state = path("other");
    let args = ["witness", "--key", &key, "--log", &place.log, "--state", &state];
    let (code, text) = run(&[&args[..], &["--listen", first.address()]].concat());
    assert_eq!(code, Some(2));
    assert!(text.contains("cannot serve at 127.0.0.1:"), "{text}");
}

#[test]
fn what_is_no_request_gets_its_status_and_the_server_lives_on() {
    let place = Place::new();
    let server = Server::start(&place, "w1");
    let client = HttpTransport::new();
    let url = format!("{}/add-checkpoint", server.url);
    for (body, status) in [
        (b"".to_vec(), 400),
        (b"old 0\n".to_vec(), 400),
        (vec![0xff; 100], 400),
        (vec![b'x'; REQUEST_BYTES_MAX], 400),
        (vec![b'x'; REQUEST_BYTES_MAX + 1], 413),
    ] {
        let (given, text) = client.post(&url, &body).unwrap();
        assert_eq!(given, status, "{} bytes: {}", body.len(), String::from_utf8_lossy(&text));
    }
    assert_eq!(client.post(&format!("{}/elsewhere", server.url), b"").unwrap().0, 404);
    assert!(server.get("/add-checkpoint").starts_with("HTTP/1.1 405 "));
    assert!(server.raw(b"no HTTP at all\r\n\r\n").starts_with("HTTP/1.1 400 "));
    // A client that goes away in the middle of its body.
    let head = b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nold";
    let mut gone = TcpStream::connect(server.address()).unwrap();
    gone.write_all(head).unwrap();
    drop(gone);
    assert_eq!(client.post(&url, b"old 0\n").unwrap().0, 400);
    // Nor does one that never comes to its end keep the witness from ending.
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.write_all(&head[..30]).unwrap();
    assert_eq!(server.stop(), Some(0));
    assert!(client.post(&url, b"old 0\n").is_err());
    drop(slow);
}
