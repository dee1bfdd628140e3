//! `symbolon-sim run` as its callers see it: what it prints, and how it exits.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// Runs the command; a plan is written to a file of its own first.
struct Room(tempfile::TempDir);

impl Room {
    fn new() -> Room {
        Room(tempfile::tempdir().expect("there is room for files"))
    }

    fn plan(&self, acts: &str) -> PathBuf {
        let file = self.0.path().join("p.toml");
        std::fs::write(&file, format!("story = \"s\"\nnodes = 3\n{acts}")).expect("there is room for a plan");
        file
    }

    fn run(&self, acts: &str, arguments: &[&str]) -> Output {
        run(&self.plan(acts).display().to_string(), arguments)
    }
}

fn run(file: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon-sim"));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).args(["run", file]).args(arguments);
    command.output().expect("it was built")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The question was wrong: one line that says what, and the code 2.
#[track_caller]
fn misasked(output: &Output, with: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(with), "{said:?} does not say {with:?}");
    assert!(output.stdout.is_empty(), "{}", out(output));
}

const QUICK: [&str; 2] = ["--world", "quick"];
const HOLDS: &str = r#"[[step]]
at = "1s"
on = "n1"
do = { create-client = "shop" }
[[expect]]
within = "5s"
client = { id = "shop", is = "visible" }
"#;

#[test]
fn a_plan_that_holds_ends_with_0() {
    let output = Room::new().run(HOLDS, &QUICK);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for line in ["create public client shop", "client shop is visible", "PASS  2 of 2 acts and all checks held"] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
}

#[test]
fn a_plan_that_does_not_hold_ends_with_1_and_its_line() {
    let broken =
        HOLDS.replace("visible", "gone").replace("within = \"5s\"\n", "") + "[[step]]\ndo = { wait = \"1s\" }\n";
    let room = Room::new();
    let late = broken.replace("[[expect]]", "[[step]]\ndo = { wait = \"3s\" }\n[[expect]]");
    let output = room.run(&late, &QUICK);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("p.toml:9: this did not hold"), "{said}");
    assert!(said.contains("FAIL") && said.contains("symbolon-sim replay"), "{said}");
    assert!(!said.contains("wait 1s"), "nothing is done after a failure: {said}");
}

#[test]
fn a_run_as_json_says_what_the_screen_says() {
    let output = Room::new().run(HOLDS, &["--world", "quick", "--json"]);
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&record["world"], &record["pass"]), (&"quick".into(), &true.into()));
    let acts = record["acts"].as_array().unwrap();
    assert_eq!(acts.len(), 2);
    assert_eq!((&acts[0]["line"], &acts[0]["at_ms"], &acts[0]["pass"]), (&3.into(), &1000.into(), &true.into()));
    assert!(record["simulated"]["converged_ms"].is_u64() && record["simulated"]["failed"].is_null(), "{record}");
}

#[test]
fn the_same_plan_gives_the_same_run() {
    let room = Room::new();
    let trace = || {
        let output = room.run(HOLDS, &["--world", "quick", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["simulated"]["trace"].clone()
    };
    let first = trace();
    assert!(first.is_string());
    assert_eq!(first, trace());
}

#[test]
fn a_wrong_question_is_named_with_its_line_and_ends_with_2() {
    let room = Room::new();
    misasked(&run("nowhere.toml", &QUICK), "nowhere.toml: No such file");
    misasked(&run(".", &QUICK), ".: Is a directory");
    misasked(&room.run("wether = 1\n", &QUICK), "p.toml:3: unknown field `wether`");
    misasked(&room.run("version = 2\n", &QUICK), "p.toml:3: version 2 of the language is not known here");
    misasked(&room.run("[[step]]\ndo = { explode = true }\n", &QUICK), "p.toml:4: no verb here; verbs are login");
    misasked(&room.run("[[step]]\non = \"n9\"\ndo = { kill = true }\n", &QUICK), "p.toml:3: there is no node `n9`");
    misasked(&room.run("[[step]]\ndo = { revoke = \"t\" }\n", &QUICK), "no earlier step makes the token `t`");
    misasked(&room.run("story = ", &QUICK), "p.toml:3: ");
    misasked(&room.run(HOLDS, &["--world", "slow"]), "invalid value 'slow'");
    misasked(&room.run(HOLDS, &["--world", "quick", "--interactive"]), "--world live");
    misasked(&room.run(HOLDS, &["--wordl", "quick"]), "unexpected argument '--wordl'");
    std::fs::write(room.0.path().join("b.toml"), [0xff, 0xfe]).unwrap();
    misasked(
        &run(&room.0.path().join("b.toml").display().to_string(), &QUICK),
        "b.toml: stream did not contain valid",
    );
}

#[test]
fn a_world_says_what_it_cannot_do_before_it_runs() {
    let room = Room::new();
    let traffic =
        "[[step]]\ndo = { create-client = \"c\" }\n[[step]]\ndo = { traffic = \"1s\", clients = [\"c\"] }\n";
    misasked(&room.run(traffic, &QUICK), "p.toml:5: `traffic` is not done in the quick world");
    let live = ["--world", "live", "--ports", "auto"];
    let steps = "[[step]]\ndo = { step-clock = \"+1h\" }\n";
    misasked(&room.run(steps, &live), "p.toml:3: `step-clock` cannot be done in the live world");
    misasked(&room.run("clocks.n1.offset = \"+1h\"\n", &live), "p.toml:1: `clocks`: real processes have the clock");
}

#[test]
fn a_step_must_be_refused_if_the_plan_says_so() {
    let room = Room::new();
    let down = "[[step]]\non = \"n1\"\ndo = { kill = true }\n";
    let asks = "[[step]]\non = \"n1\"\nrefused = true\ndo = { define-scope = \"x\" }\n";
    assert_eq!(room.run(&format!("{down}{asks}"), &QUICK).status.code(), Some(0));
    let up = room.run(&format!("[[step]]\ndo = {{ wait = \"1s\" }}\n{asks}"), &QUICK);
    assert_eq!(up.status.code(), Some(1));
    assert!(out(&up).contains("p.toml:5: this did not hold"), "{}", out(&up));
    let plain = asks.replace("refused = true\n", "");
    assert_eq!(room.run(&format!("{down}{plain}"), &QUICK).status.code(), Some(1));
}

#[test]
fn a_node_can_be_expected_not_to_be_ready() {
    let room = Room::new();
    let jump = r#"[[expect]]
within = "10s"
ready = true
[[step]]
on = "n1"
do = { step-clock = "+1h" }
[[expect]]
within = "2s"
on = "n1"
ready = false
"#;
    assert_eq!(room.run(jump, &QUICK).status.code(), Some(0));
    assert_eq!(room.run(&jump.replace("+1h", "+1s"), &QUICK).status.code(), Some(1));
}
