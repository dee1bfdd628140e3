//! Three processes become one cluster by one command, and a mistake in it is told before anything is dialled.

mod common;

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::{PATIENCE, Process, at, directory, free_address, symbolon};

fn serve(dir: &str) -> Process {
    let config = format!("{dir}/symbolon.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    command.args(["serve", "--config", &config]).stdout(Stdio::null()).stderr(Stdio::null());
    Process(command.spawn().expect("the binary runs"))
}

fn bootstrap(arguments: &[&str], password: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    command.args(["cluster", "bootstrap"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    // A command that refuses its arguments reads no password.
    child.stdin.take().expect("it is piped").write_all(format!("{password}\n").as_bytes()).ok();
    child.wait_with_output().expect("it ends")
}

#[allow(clippy::disallowed_methods, reason = "real processes are waited for in real time")]
fn wait_until_it_listens(address: SocketAddr) {
    let begin = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        assert!(begin.elapsed() < PATIENCE, "nobody listens on {address}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_command_makes_three_nodes_one_cluster() {
    let dir = directory();
    let first = at(dir.path(), "n1");
    let mut origins = Vec::new();
    let mut served = Vec::new();
    let mut password = String::new();
    for name in ["n1", "n2", "n3"] {
        let (home, address) = (at(dir.path(), name), free_address());
        let listen = address.to_string();
        let mut arguments = vec!["init", &home, "--name", name, "--listen", &listen];
        if name != "n1" {
            arguments.extend(["--like", &first]);
        }
        let made = symbolon(&arguments);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        if name == "n1" {
            let said = String::from_utf8_lossy(&made.stdout).into_owned();
            let after = said.split("has the password ").nth(1).expect("a password is shown");
            password = after.split_whitespace().next().expect("a word").to_owned();
        }
        served.push(serve(&home));
        wait_until_it_listens(address);
        origins.push(format!("https://{address}"));
    }
    let ca = format!("{first}/tls/ca.pem");
    let nodes: Vec<&str> = origins.iter().map(String::as_str).collect();

    let wrong = bootstrap(&[&["--ca", &ca], nodes.as_slice()].concat(), "wrong");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("wrong user name or password"));

    for attempt in ["first", "second"] {
        let done = bootstrap(&[&["--ca", &ca], nodes.as_slice()].concat(), &password);
        let (said, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{attempt}: {said}{error}");
        assert!(said.contains("one state on all 3"), "{said}");
    }
}

#[test]
fn a_remote_node_is_not_dialled_without_its_ca() {
    let refused = bootstrap(&["https://192.0.2.1:8443", "https://192.0.2.2:8443"], "any");
    assert_eq!(refused.status.code(), Some(1));
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("is not on this machine: name the CA of its certificate with --ca"), "{error}");
    let lonely = bootstrap(&["https://127.0.0.1:1"], "any");
    assert_eq!(lonely.status.code(), Some(2), "one node is no cluster");
}
