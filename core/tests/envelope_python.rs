//! Other software reads our frames and writes ones that we read: `independent/reader.py` knows only the standards.
//!
//! Needs `python3` with `cryptography` 50 or newer (`PYTHON` names another interpreter). Where it is missing these
//! conversations are skipped with a notice, unless `SYMBOLON_REQUIRE_PYTHON` is set.

#[path = "common/envelope.rs"]
mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Node, node};
use serde_json::{Value, json};
use symbolon_core::wire::letter;

const READER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/independent/reader.py");

fn python() -> Command {
    Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
}

/// Whether the independent reader can run here; says so if not.
fn reader_is_here() -> bool {
    let probe = "from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey as K; K.generate()";
    let here = python().args(["-c", probe]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    assert!(
        here || std::env::var_os("SYMBOLON_REQUIRE_PYTHON").is_none(),
        "python3 with cryptography >= 50 is required here: pip install 'cryptography>=50'"
    );
    if !here {
        println!("SKIPPED: no python3 with cryptography >= 50 (pip install 'cryptography>=50')");
    }
    here
}

/// What the reader answers, or what it complains about.
fn ask(question: &Value) -> Result<Value, String> {
    let mut child = python()
        .arg(READER)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the probe ran it");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(question.to_string().as_bytes()).expect("it reads all");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    match output.status.success() {
        true => Ok(serde_json::from_slice(&output.stdout).expect("it answers JSON")),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a string");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// A node whose secrets are known to the test.
fn known(seed: u8) -> (Node, String, String) {
    let mut known = node(seed);
    let (scalar, kem_seed) = (known.crypto.bytes::<32>(), known.crypto.bytes::<64>());
    known.signing = known.crypto.ecdsa.signing_key(&scalar).expect("a scalar");
    known.verifying = known.crypto.ecdsa.verifying_key(&known.signing.public()).expect("on the curve");
    known.kem = known.crypto.kem.decapsulation_key(&kem_seed);
    (known, hex(scalar.as_slice()), hex(kem_seed.as_slice()))
}

#[test]
fn other_software_opens_our_frames() {
    if !reader_is_here() {
        return;
    }
    let (alice, (bob, _, bob_kem_seed)) = (node(1), known(2));
    for length in [0, 100, 1024, 70_000] {
        let letter = alice.letter_to(&bob, &vec![7; length]);
        let question = json!({
            "do": "open",
            "frame": hex(&alice.seal_to(&bob, &letter)),
            "verifying_key": hex(&alice.signing.public()),
            "kem_seed": bob_kem_seed,
        });
        let answer = ask(&question).expect("it opens");
        assert_eq!(unhex(&answer["plaintext"]), *letter::encode(&letter), "{length} bytes");
    }
}

#[test]
fn other_software_refuses_what_we_refuse() {
    if !reader_is_here() {
        return;
    }
    let (alice, (bob, _, bob_kem_seed)) = (node(1), known(2));
    let mut frame = alice.seal_to(&bob, &alice.letter_to(&bob, b"hello"));
    let middle = frame.len() / 2;
    frame[middle] ^= 1;
    let question = json!({
        "do": "open",
        "frame": hex(&frame),
        "verifying_key": hex(&alice.signing.public()),
        "kem_seed": bob_kem_seed,
    });
    let complaint = ask(&question).expect_err("it was altered");
    assert!(complaint.contains("the signed attributes are of another content"), "{complaint}");
}

#[test]
fn we_open_frames_of_other_software() {
    if !reader_is_here() {
        return;
    }
    let ((alice, alice_scalar, _), bob) = (known(1), node(2));
    for length in [0, 100, 1024, 70_000] {
        let letter = alice.letter_to(&bob, &vec![7; length]);
        let question = json!({
            "do": "seal",
            "scalar": alice_scalar,
            "kem_public": hex(&bob.kem_public()),
            "plaintext": hex(&letter::encode(&letter)),
        });
        let answer = ask(&question).expect("it seals");
        assert_eq!(bob.read(&[&alice], &unhex(&answer["frame"])), Ok(letter), "{length} bytes");
    }
}
