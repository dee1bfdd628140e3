//! What a run did, told: the timeline shows states becoming equal, the story names the cause, the page stands alone, and the
//! moment of certainty is found.

use symbolon_sim::explain::{Effort, explain};
use symbolon_sim::fleet::World;
use symbolon_sim::history::{Fate, History, Kind, Loss};
use symbolon_sim::plan::{Plan, draw};
use symbolon_sim::report::html::{Page, page};
use symbolon_sim::report::story::story;
use symbolon_sim::report::timeline::{Detail, timeline};
use symbolon_sim::worlds::quick;

/// One node is cut off when a client is deleted, and is expected to know before the cut ends.
const SPLIT: &str = r#"
story = "A client is deleted while one node is cut off, and expected to be gone there before the cut ends."
nodes = 4
[gossip]
interval = "200ms"
heartbeat = "1s"
[weather]
latency = { min = "1ms", max = "20ms" }
commit = { min = "2ms", max = "4ms" }
[[step]]
at = "1s"
on = "n1"
do = { create-client = "shop", auth = "client_secret_post" }
[[step]]
at = "1600ms"
do = { partition = [["n1", "n2", "n3"], ["n4"]], for = "8s" }
[[step]]
at = "2s"
on = "n3"
do = { kill = true, for = "300ms" }
[[step]]
at = "2500ms"
on = "n1"
do = { delete-client = "shop" }
[[expect]]
within = "2s"
on = "all"
client = { id = "shop", is = "gone" }
"#;

/// Whether a change arrives in time is a matter of luck.
const LUCK: &str = r#"
story = "A client is expected soon, and half of what is sent gets lost."
nodes = 2
[gossip]
interval = "200ms"
heartbeat = "1s"
[weather]
latency = { min = "1ms", max = "20ms" }
lost-requests = 500
[[step]]
at = "1s"
on = "n1"
do = { create-client = "shop" }
[[expect]]
within = "150ms"
on = "n2"
client = { id = "shop", is = "visible" }
"#;

fn told(text: &str) -> History {
    let plan = Plan::parse("split.toml", text).expect("the plan is sound");
    *quick::tell(&plan).history.expect("it was asked for")
}

#[test]
fn recording_changes_nothing() {
    for seed in 0..6 {
        let plan = draw(seed);
        let (silent, told) = (quick::run(&plan), quick::tell(&plan));
        assert_eq!(silent.trace, told.trace, "seed {seed}");
        assert!(silent.history.is_none());
    }
}

#[test]
fn the_timeline_shows_nodes_becoming_equal() {
    let text = timeline(&told(SPLIT), Detail::Usual);
    let lines: Vec<&str> = text.lines().collect();
    let heads: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(heads, ["time", "node", "fact", "n1", "n2", "n3", "n4"]);
    let states = |line: &str| line.split_whitespace().rev().take(4).map(str::to_owned).collect::<Vec<_>>();
    let all_equal = |line: &str| states(line).windows(2).all(|pair| pair[0] == pair[1]);
    let split = lines.iter().position(|line| line.contains("split n1 n2 n3 | n4")).expect("the split is told");
    assert!(all_equal(lines[split]), "{text}");
    let deleted = lines.iter().find(|line| line.contains("delete client shop")).expect("the step is told");
    assert!(!all_equal(deleted), "{text}");
    assert!(states(lines[lines.len() - 1])[0] != states(lines[lines.len() - 1])[1], "n4 stays behind: {text}");
    assert!(lines.iter().any(|line| line.contains("n3    down")), "{text}");
    assert_eq!(text, timeline(&told(SPLIT), Detail::Usual));
}

#[test]
fn nothing_random_is_printed() {
    for seed in 0..8 {
        let history = quick::tell(&draw(seed)).history.expect("it was asked for");
        let text = timeline(&history, Detail::All);
        let random =
            |word: &&str| word.len() >= 16 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let word = text.split(|c: char| c.is_whitespace() || ":\"/()[]".contains(c)).find(random);
        assert_eq!(word, None, "seed {seed}");
    }
}

#[test]
fn the_story_names_the_cause() {
    let sentences = story(&told(SPLIT));
    let text: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let told = |words: &str| text.iter().position(|line| line.contains(words));
    let split = told("split n1 n2 n3 | n4").unwrap_or_else(|| panic!("{text:#?}"));
    let deleted = told("n1: delete client shop").unwrap_or_else(|| panic!("{text:#?}"));
    let never = told("n4 never holds “delete client shop” of n1").unwrap_or_else(|| panic!("{text:#?}"));
    assert!(split < deleted && deleted < never, "{text:#?}");
    assert!(text[never].contains("lost at a cut link"), "{text:#?}");
    assert!(text.last().is_some_and(|line| line.contains("FAILS expectation")), "{text:#?}");
    assert!(text.len() <= 20);
}

#[test]
fn messages_end_somewhere() {
    let history = told(SPLIT);
    let cut = history.messages.iter().filter(|message| message.fate == Fate::Lost(Loss::Cut));
    assert!(cut.clone().count() > 0);
    assert!(cut.clone().all(|message| message.from == 3 || message.to == 3), "only n4 is cut off");
    for message in &history.messages {
        if let Some(at_ms) = message.fate.arrived_ms() {
            assert!(at_ms >= message.sent_ms);
        }
    }
    assert!(history.entries.windows(2).all(|pair| pair[0].at_ms <= pair[1].at_ms));
    assert!(history.entries.iter().any(|entry| matches!(entry.kind, Kind::Merged { .. })));
}

#[test]
fn the_page_needs_nothing_else() {
    let history = told(SPLIT);
    let told = story(&history);
    let weather = ["calm </script>".to_owned()];
    let text =
        page(&Page { title: "A <split>", replay: "replay", weather: &weather, history: &history, story: &told });
    for outside in ["src=", "href=", "url(", "import ", "fetch("] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert_eq!(text.matches("</script>").count(), 2, "nothing in the data ends the script");
    assert!(text.contains("A &lt;split&gt;"));
}

#[test]
fn the_moment_of_certainty_is_found() {
    let plan = Plan::parse("split.toml", SPLIT).expect("the plan is sound");
    let explained = explain(World::Quick, &plan, None, Effort { points: 4, salts: 2 }).expect("it fails");
    assert_eq!(explained.open_ms, None, "the plan alone brings it about");
    let lucky = |seed: u64| {
        let plan = Plan { seed, ..Plan::parse("luck.toml", LUCK).expect("the plan is sound") };
        explain(World::Quick, &plan, None, Effort { points: 4, salts: 6 })
    };
    let explained = (0..40).find_map(lucky).expect("some seed has bad luck");
    let open_ms = explained.open_ms.expect("other draws help at the beginning");
    let certain_ms = explained.certain_ms.unwrap_or(explained.failure.at_ms);
    assert!(open_ms < certain_ms && certain_ms <= explained.failure.at_ms, "{explained:?}");
}

/// Two nodes with other names than their places: what is left once others were taken out of a plan.
const RENAMED: &str = r#"
story = "Clients come and go at two nodes, and tokens are revoked."
nodes = ["n3", "n7"]
[[step]]
at = "1s"
on = "n7"
do = { create-client = "shop", auth = "client_secret_post" }
[[step]]
at = "1500ms"
on = "n3"
do = { token = "t1", client = "shop" }
[[step]]
at = "2s"
on = "n7"
do = { edit-client = "shop", name = "Shop 2" }
[[step]]
at = "2500ms"
on = "n3"
do = { revoke = "t1" }
[[step]]
at = "3s"
on = "n7"
do = { delete-client = "shop" }
"#;

#[test]
fn a_failure_speaks_in_the_names_of_the_plan() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("renamed.toml");
    std::fs::write(&file, RENAMED).expect("there is room");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_symbolon-sim"));
    let output = command.arg("replay").arg(&file).args(["--bug", "send-before-durable"]).output();
    let told = String::from_utf8(output.expect("the command runs").stdout).expect("it prints text");
    let failure = told.lines().last().expect("it prints something");
    let (when, what) = failure.split_once(" s at ").expect("it fails at a node");
    assert!(when.starts_with("FAIL "), "{failure}");
    assert!(what.starts_with("n3: ") || what.starts_with("n7: "), "{failure}");
    assert!(what.contains(" of n3 ") || what.contains(" of n7 "), "{failure}");
    assert!(!what.contains("([") && what.split([' ', ':', ',', '.']).all(|word| word.len() < 20), "{failure}");
}
