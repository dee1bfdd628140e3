//! Small plans on real processes: links, restarts, disks and steps with times of their own. Loopback only, and all of it ends.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::{Duration, Instant};

use symbolon_sim::plan::Plan;
use symbolon_sim::worlds::live::cluster::Misconfigured;
use symbolon_sim::worlds::live::{Live, Outcome, Ports, Progress, cannot};

/// No plan here may take longer, however busy the machine is.
const BOUND: Duration = Duration::from_secs(90);

const HEAD: &str = r#"
story = "A test."
gossip = { interval = "200ms", heartbeat = "1s", round-timeout = "1s" }
"#;

struct Unseen;

impl Progress for Unseen {
    fn tell(&self, _passed: Duration, _whole: Duration, _requests: u64, _failures: u64) {}
}

fn plan(text: &str) -> Plan {
    Plan::parse("test.toml", &format!("{HEAD}{text}")).unwrap()
}

/// Runs the plan to its end, and returns what came of each act and of the end.
async fn run(text: &str) -> Vec<Outcome> {
    let run = async {
        let plan = plan(text);
        assert_eq!(cannot(&plan), None);
        let (mut live, started) = Live::start(&plan, Ports::Auto, true).await.unwrap();
        let mut outcomes = vec![started];
        for act in &plan.acts {
            outcomes.extend(live.act(act, &Unseen).await);
            if outcomes.iter().any(|outcome| outcome.saw.is_err()) {
                return (outcomes, live);
            }
        }
        outcomes.extend(live.finish().await);
        (outcomes, live)
    };
    let (outcomes, live) = tokio::time::timeout(BOUND, run).await.expect("in time");
    live.cluster().end().await.unwrap();
    outcomes
}

/// Runs a plan in which everything holds.
async fn holds(text: &str) -> Vec<Outcome> {
    let outcomes = run(text).await;
    let failed: Vec<_> = outcomes.iter().filter(|outcome| outcome.saw.is_err()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_parts_a_bridge_joins_and_a_deletion_wins() {
    holds(
        r#"
        nodes = 4
        weather = { latency = { min = "1ms", max = "10ms" } }
        [[step]]
        on = "n1"
        do = { create-client = "shop" }
        [[expect]]
        within = "5s"
        client = { id = "shop", is = "visible" }
        [[step]]
        do = { partition = [["n1", "n2"], ["n3", "n4"]] }
        [[step]]
        on = "n1"
        do = { delete-client = "shop" }
        [[step]]
        on = "n4"
        do = { edit-client = "shop", name = "Shop 2" }
        [[step]]
        do = { wait = "2s" }
        [[expect]]
        on = "n2"
        client = { id = "shop", is = "gone" }
        [[expect]]
        on = "n3"
        client = { id = "shop", is = "visible", name = "Shop 2" }
        [[step]]
        do = { heal = true }
        [[step]]
        do = { partition = [["n1", "n2"], ["n2", "n3"], ["n3", "n4"]] }
        [[expect]]
        within = "10s"
        client = { id = "shop", is = "gone" }
        converged = true
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_a_link_is_cut_and_clogged_alone() {
    holds(
        r#"
        nodes = 2
        [[step]]
        do = { wait = "2s" }                # until nobody has a round under way, which the cut would hold up
        [[step]]
        on = "n1"
        do = { cut = "n2", for = "3s" }
        [[step]]
        on = "n1"
        do = { define-scope = "unheard" }
        [[step]]
        on = "n2"
        do = { define-scope = "heard" }
        [[expect]]
        within = "5s"
        on = "n1"
        scope = { id = "heard", is = "visible" }
        [[expect]]
        on = "n2"
        scope = { id = "unheard", is = "gone" }
        [[expect]]
        within = "8s"
        on = "n2"
        scope = { id = "unheard", is = "visible" }
        [[step]]
        on = ["n1", "n2"]
        do = { clog = "n2" }
        [[step]]
        on = "n1"
        do = { define-scope = "late" }
        [[step]]
        do = { wait = "1500ms" }
        [[expect]]
        on = "n2"
        scope = { id = "late", is = "gone" }
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_and_changes_outlive_a_rolling_restart() {
    holds(
        r#"
        nodes = 3
        [[step]]
        on = "n1"
        do = { create-client = "shop", auth = "client_secret_post" }
        [[expect]]
        within = "5s"
        client = { id = "shop", is = "visible" }
        [[step]]
        on = "n1"
        do = { token = "t", client = "shop" }
        [[step]]
        on = "n1"
        do = { stop = true, for = "300ms" }
        [[step]]
        on = "n2"
        do = { edit-client = "shop", name = "Shop 1" }
        [[expect]]
        within = "10s"
        ready = true
        client = { id = "shop", is = "visible", name = "Shop 1" }
        [[step]]
        on = "n2"
        do = { kill = true }
        [[step]]
        on = "n3"
        do = { edit-client = "shop", name = "Shop 2" }
        [[step]]
        on = "n2"
        do = { restart = true }
        [[step]]
        on = "n3"
        do = { pause = true, for = "500ms" }
        [[expect]]
        within = "10s"
        ready = true
        client = { id = "shop", is = "visible", name = "Shop 2" }
        token = { id = "t", is = "active" }
        converged = true
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disks_are_lost_torn_put_back_slow_and_full_and_nothing_is_forgotten() {
    let outcomes = holds(
        r#"
        nodes = 3
        [[step]]
        on = "n1"
        do = { create-client = "shop", auth = "client_secret_post" }
        [[step]]
        do = { backup = "old" }
        [[step]]
        on = "n1"
        do = { token = "t", client = "shop" }
        [[step]]
        on = "n1"
        do = { revoke = "t" }
        [[expect]]
        within = "5s"
        token = { id = "t", is = "inactive" }
        [[step]]
        on = "n1"
        do = { restore-backup = "old", for = "100ms" }
        [[step]]
        on = "n2"
        do = { lose-disk = true, for = "100ms" }
        [[expect]]
        within = "15s"
        token = { id = "t", is = "inactive" }
        client = { id = "shop", is = "visible" }
        ready = true
        [[step]]
        on = "n3"
        do = { tear-disk = true, for = "100ms" }
        [[expect]]
        within = "15s"
        ready = true
        converged = true
        [[step]]
        on = "n1"
        do = { slow-disk = "500ms", for = "2s" }
        [[step]]
        on = "n1"
        do = { define-scope = "slow" }
        [[step]]
        on = "n2"
        do = { fail-disk = true }
        "#,
    )
    .await;
    assert_eq!(outcomes.last().unwrap().saw.as_deref(), Ok("one digest"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_what_is_not_kept() {
    holds(
        r#"
        nodes = 1
        [[step]]
        do = { fail-disk = true, for = "1s" }
        [[step]]
        refused = true
        do = { define-scope = "nowhere" }
        [[expect]]
        ready = false
        [[expect]]
        within = "10s"
        ready = true
        [[expect]]
        scope = { id = "nowhere", is = "gone" }
        "#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_sessions_and_strangers_bytes() {
    let outcomes = holds(
        r#"
        nodes = 3
        absent = ["n3"]
        weather = { lost-requests = 100, lost-replies = 100, silent = 500, twice = 200, corrupt = 100, truncated = 50, bandwidth = 256 }
        [[step]]
        on = "n1"
        do = { create-client = "shop", auth = "client_secret_post" }
        [[step]]
        on = "n1"
        do = { token = "t", client = "shop" }
        [[step]]
        on = "n1"
        do = { login = "alice", password = "alice123", as = "s" }
        [[step]]
        on = "n1"
        do = { rotate-secret = "shop" }
        [[step]]
        on = "n1"
        do = { withdraw-key = "n1" }
        [[step]]
        on = "n1"
        do = { end-sessions = "alice" }
        [[step]]
        on = "n3"
        do = { restart = true }
        [[expect]]
        within = "20s"
        token = { id = "t", is = "inactive" }
        session = { id = "s", is = "dead" }
        [[step]]
        on = "n2"
        do = { replay = 5 }
        [[step]]
        on = "n2"
        do = { forge = "tampered" }
        [[step]]
        on = "n2"
        do = { forge = "truncated" }
        [[step]]
        on = "n2"
        do = { forge = "noise" }
        [[step]]
        on = "n2"
        do = { forge = "oversized" }
        [[step]]
        on = "n2"
        do = { accept-clock = true }
        [[step]]
        on = "n2"
        do = { rotate-key = true }
        "#,
    )
    .await;
    let end = &outcomes[outcomes.len() - 1];
    assert_eq!((end.on.as_str(), end.saw.as_deref()), ("all", Ok("one digest")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_with_a_time_waits_for_nobody_and_the_next_waits_for_it() {
    let begin = Instant::now();
    let outcomes = holds(
        r#"
        nodes = 1
        [[step]]
        do = { create-client = "shop", auth = "client_secret_post" }
        [[step]]
        at = "500ms"
        do = { traffic = "3s", clients = ["shop"], loops = 1 }
        [[step]]
        at = "1s"
        do = { wait = "1s" }
        [[step]]
        do = { define-scope = "read" }
        "#,
    )
    .await;
    let order: Vec<_> = outcomes[2..5].iter().map(|outcome| outcome.title.as_str()).collect();
    assert_eq!(order, ["wait 1s", "define scope read", "traffic of 1 clients"]);
    assert!(begin.elapsed() > Duration::from_millis(3500), "the end comes after all that is under way");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_do_not_heal_stay_cut_off() {
    let outcomes = holds(
        r#"
        nodes = 3
        heals = ["n1", "n2"]
        [[step]]
        on = "n3"
        do = { kill = true }
        [[step]]
        on = "n1"
        do = { define-scope = "read" }
        "#,
    )
    .await;
    assert_eq!(outcomes.last().unwrap().on, "n1 n2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_real_processes_cannot_do_is_said_before_they_start() {
    let said = |text: &str| cannot(&plan(text)).map(|cannot| (cannot.line, cannot.problem)).unwrap_or_default();
    let step = said("nodes = 1\n[[step]]\ndo = { wait = \"1s\" }\n[[step]]\ndo = { step-clock = \"+1h\" }\n");
    assert!(step.0 == 7 && step.1.starts_with("`step-clock` cannot be done in the live world"), "{step:?}");
    let slow = said("nodes = 1\n[[step]]\ndo = { slow-disk = \"5s\" }\n");
    assert!(slow.1.contains("SQLite calls it a failure"), "{slow:?}");
    let clocks = said("nodes = 1\nclocks.n1 = { offset = \"+1s\" }\n");
    assert!(clocks.1.contains("the clock of this machine"), "{clocks:?}");

    for (text, key) in [
        ("nodes = 1\ntokens = { key-lifetime = \"6s\" }\n", "tokens.key_lifetime_s"),
        ("nodes = 1\ntokens = { access-ttl = \"1500ms\" }\n", "tokens.access-ttl"),
    ] {
        let error = Live::start(&plan(text), Ports::Auto, true).await.err().unwrap();
        assert!(error.is::<Misconfigured>() && error.to_string().contains(key), "{error:#}");
    }
}
