//! The plan language: what is read, and how a mistake is named. Nothing runs here.

use std::time::Duration;

use symbolon_sim::plan::verb::Auth;
use symbolon_sim::plan::{Activity, On, Plan, Presence, Span, Verb, What};

/// A plan around these acts; they begin in line 3.
fn plan(acts: &str) -> Result<Plan, String> {
    Plan::parse("p.toml", &format!("story = \"s\"\nnodes = 3\n{acts}")).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(acts: &str, with: &str) {
    let error = plan(acts).expect_err("the plan must be refused");
    assert!(error.contains(with), "{error:?} does not say {with:?}");
}

#[test]
fn acts_happen_in_the_order_of_the_file() {
    let plan = plan(
        r#"[[step]]
scene = "One"
on = "n1"
do = { create-client = "shop", auth = "client_secret_post", scope = "a b" }
[[expect]]
within = "250ms"
on = ["n2", "n3"]
client = { id = "shop", is = "visible" }
[[step]]
at = "2m"
on = "n2"
do = { token = "t", client = "shop" }
[[expect]]
token = { id = "t", is = "inactive" }
converged = true
"#,
    )
    .unwrap();
    let [first, second, third, fourth] = plan.acts.as_slice() else { panic!("four acts: {:?}", plan.acts) };
    assert_eq!([first.line, second.line, third.line, fourth.line], [3, 7, 11, 15]);
    assert_eq!(first.scene.as_deref(), Some("One"));
    let What::Step(step) = &first.what else { panic!("a step first") };
    let Verb::CreateClient(create) = &step.verb else { panic!("a client first") };
    assert_eq!((create.client.as_str(), create.auth, create.scope.as_str()), ("shop", Auth::ClientSecretPost, "a b"));
    let What::Expect(expect) = &second.what else { panic!("an expectation second") };
    assert_eq!(expect.within, Some(Span(Duration::from_millis(250))));
    assert_eq!(expect.on, On::Many(vec!["n2".into(), "n3".into()]));
    assert_eq!(expect.client.as_ref().map(|client| client.is), Some(Presence::Visible));
    let What::Step(step) = &third.what else { panic!("a step third") };
    assert_eq!(step.at, Some(Span(Duration::from_secs(120))));
    let What::Expect(expect) = &fourth.what else { panic!("an expectation fourth") };
    assert_eq!(expect.on.resolve(&plan.nodes), Ok(vec![0, 1, 2]));
    assert_eq!(expect.token.as_ref().map(|token| token.is), Some(Activity::Inactive));
    assert_eq!(expect.title(), "token t is inactive, state is the same");
}

#[test]
fn every_verb_of_the_language_is_read_and_written_back() {
    let made = "[[step]]\ndo = { create-client = \"c\" }\n[[step]]\ndo = { token = \"t\", client = \"c\" }\n\
                [[step]]\ndo = { login = \"alice\", password = \"p\", as = \"s\" }\n";
    let others = [
        "logout = \"s\"",
        "set-cluster-key = \"k\"",
        "seed-all = true",
        "edit-client = \"c\", name = \"C\"",
        "delete-client = \"c\"",
        "create-clients = \"d\", count = 3, auth = \"client_secret_post\"",
        "define-scope = \"x\", description = \"X\"",
        "remove-scope = \"x\"",
        "introspect = \"t\", by = \"c\"",
        "revoke = \"t\"",
        "kill = true",
        "stop = true",
        "restart = true",
        "pause = true",
        "resume = true",
        "end-sessions = \"alice\"",
        "rotate-secret = \"c\"",
        "rotate-key = true",
        "withdraw-key = \"n2\"",
        "partition = [[\"n1\"], [\"n2\", \"n3\"]]",
        "cut = \"n2\"",
        "clog = \"n2\"",
        "heal = true",
        "lose-disk = true",
        "backup = \"b\"",
        "restore-backup = \"b\"",
        "slow-disk = \"400ms\"",
        "fail-disk = true",
        "tear-disk = true",
        "step-clock = \"+1h\"",
        "freeze-clock = true",
        "accept-clock = true",
        "replay = 3",
        "forge = \"noise\"",
        "forge-dots = \"n2\"",
        "equivocate = \"x\", to = [\"n1\", \"n2\"]",
        "lie-about-time = \"-1h\"",
        "wait = \"1s\"",
        "traffic = \"35s\", short = \"5s\", clients = [\"c\"], loops = 2",
    ];
    let text: String = others.iter().map(|verb| format!("[[step]]\ndo = {{ {verb} }}\n")).collect();
    let head = "story = \"s\"\nnodes = 3\nabsent = [\"n3\"]\nuninvited = [\"n3\"]\n";
    let clone = "[[step]]\non = \"n3\"\ndo = { clone = \"n1\" }\n";
    let plan = Plan::parse("p.toml", &format!("{head}{made}{text}{clone}")).unwrap();
    assert_eq!(plan.acts.len(), Verb::KEYS.len(), "each verb once");
    let written = plan.to_toml();
    for verb in others {
        assert!(written.contains(&format!("do = {{ {verb} }}\n")), "{verb:?} is not in {written}");
    }
    let mut again = Plan::parse("again.toml", &written).unwrap();
    for (act, before) in again.acts.iter_mut().zip(&plan.acts) {
        act.line = before.line;
        let What::Step(step) = &act.what else { panic!("steps only") };
        assert!(!step.verb.title().is_empty());
    }
    assert_eq!(again, plan);
}

#[test]
fn many_clients_have_numbers_behind_their_name() {
    let text = "[[step]]\ndo = { create-clients = \"c\", count = 2, scope = \"a\" }\n";
    let known = plan(&format!("{text}[[step]]\ndo = {{ delete-client = \"c-2\" }}\n")).unwrap();
    let Some(Verb::CreateClients(create)) = known.steps().next().map(|step| &step.verb) else { panic!("clients") };
    let each: Vec<_> = create.each().map(|one| (one.client, one.scope)).collect();
    assert_eq!(each, [("c-1".to_owned(), "a".to_owned()), ("c-2".to_owned(), "a".to_owned())]);
    refused(&format!("{text}[[step]]\ndo = {{ delete-client = \"c-3\" }}\n"), "makes the client `c-3`");
}

#[test]
fn a_refusal_can_be_demanded_of_what_is_asked() {
    let asks = "[[step]]\nrefused = true\ndo = { define-scope = \"x\" }\n";
    let plan = plan(asks).unwrap();
    assert!(plan.steps().all(|step| step.refused));
    assert!(plan.to_toml().contains("refused = true\n"), "{}", plan.to_toml());
    refused("[[step]]\nrefused = true\ndo = { kill = true }\n", "p.toml:3: `refused` is for what somebody asks");
    refused(&asks.replace("do =", "at = \"1s\"\ndo ="), "nobody waits for the answer");
}

#[test]
fn what_cannot_be_is_refused() {
    let newer = Plan::parse("p.toml", "story = \"s\"\nversion = 2\nnodes = 3\nmood = 1\n").unwrap_err().to_string();
    assert!(newer.contains("p.toml:2: version 2 of the language is not known here; this build reads 1"), "{newer}");
    let step = |at: &str| format!("[[step]]\nat = \"{at}\"\ndo = {{ kill = true }}\n");
    refused(
        &(step("2s") + &step("1s")),
        "p.toml:6: it would happen at 1s, before an earlier step, which happens at 2s",
    );
    refused("[[step]]\ndo = { cut = \"n9\" }\n", "p.toml:3: there is no node `n9`");
    refused("[[step]]\ndo = { partition = [] }\n", "p.toml:3: a partition has groups");
    refused("[[step]]\ndo = { restore-backup = \"b\" }\n", "no earlier step makes the backup `b`");
    refused("[[step]]\ndo = { step-clock = \"1h\" }\n", "`1h` moves no clock");
    refused("[weather]\ntwice = 1001\n", "weather.twice is so many of a thousand");
    refused("[weather]\nlatency = { min = \"2s\", max = \"1s\" }\n", "min 2s is more than max 1s");
    refused("[[step]]\ndo = { equivocate = \"x\", to = [\"n1\"] }\n", "p.toml:3: `to` names 2 to 16 peers");
    refused("[[step]]\non = \"n3\"\ndo = { clone = \"n1\" }\n", "p.toml:3: a clone runs on one node that is both");
    refused("heals = [\"n7\"]\n", "there is no node `n7`");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    refused("wether = 1\n", "p.toml:3: unknown field `wether`");
    refused("[[step]]\nnode = \"n1\"\ndo = { kill = true }\n", "p.toml:4: unknown field `node`");
    refused("[[step]]\ndo = { create-client = \"c\",\n kind = 1 }\n", "unknown field `kind`");
    refused("[[expect]]\nready = true\nwhere = 1\n", "p.toml:5: unknown field `where`");
    refused("[gossip]\nfanuot = 2\n", "p.toml:4: unknown field `fanuot`");
    // What would be right is named: acts beside the rest of a plan, and in its tables what belongs there.
    refused("[[steps]]\ndo = { kill = true }\n", "p.toml:3: unknown field `steps`");
    refused("[[steps]]\ndo = { kill = true }\n", "`clocks`, `step`, `expect`");
    let inner = Plan::parse("p.toml", "story = \"s\"\nnodes = 3\n[gossip]\nfanuot = 2\n").unwrap_err().to_string();
    assert!(inner.contains("`fanout`") && !inner.contains("`expect`"), "{inner}");
}

#[test]
fn a_step_has_one_verb_that_exists() {
    refused("[[step]]\non = \"n1\"\n", "p.toml:3: a step needs `do`");
    refused("[[step]]\ndo = \"kill\"\n", "p.toml:4: `do` is a table");
    refused("[[step]]\ndo = { explode = true }\n", "p.toml:4: no verb here; verbs are login");
    refused("[[step]]\ndo = { kill = true, wait = \"1s\" }\n", "one step does one thing");
    refused("[[step]]\ndo = { kill = false }\n", "p.toml:4: only `true` makes sense");
    refused("[step]\ndo = { kill = true }\n", "write [[step]]");
}

#[test]
fn times_and_numbers_are_bounded() {
    refused("[[step]]\nat = \"soon\"\ndo = { kill = true }\n", "p.toml:4: `soon` is no time");
    refused("[[step]]\ndo = { wait = \"401d\" }\n", "is no time");
    refused("[[step]]\ndo = { wait = \"99999999999999999999s\" }\n", "is no time");
    let many = Plan::parse("p.toml", "story = \"s\"\nnodes = 101\n").unwrap_err();
    assert_eq!((many.line, many.problem.contains("1 to 100")), (2, true));
    assert!(Plan::parse("p.toml", "story = \"s\"\nnodes = 0\n").is_err());
    assert!(Plan::parse("p.toml", "story = \"s\"\nnodes = [\"a\", \"a\"]\n").is_err());
    assert!(Plan::parse("p.toml", "story = \"s\"\nnodes = [\"all\"]\n").is_err());
    assert!(Plan::parse("p.toml", "story = \n").is_err());
}

#[test]
fn only_what_exists_is_named() {
    refused("[[step]]\non = \"n4\"\ndo = { kill = true }\n", "p.toml:3: there is no node `n4`");
    refused("[[step]]\non = []\ndo = { kill = true }\n", "names no node");
    refused("[[step]]\ndo = { delete-client = \"shop\" }\n", "no earlier step makes the client `shop`");
    refused("[[expect]]\ntoken = { id = \"t\", is = \"active\" }\n", "no earlier step makes the token `t`");
    refused("[[step]]\ndo = { logout = \"s\" }\n", "no earlier step makes the session `s`");
    refused("[[expect]]\nwithin = \"1s\"\n", "nothing is expected here");
    refused("[[expect]]\nconverged = false\n", "can only be expected as true");
    refused("[[step]]\ndo = { create-clients = \"c\", count = 0 }\n", "p.toml:3: `count` is 1 to 1000, not 0");
    refused("[[step]]\ndo = { create-clients = \"c\", count = 1001 }\n", "`count` is 1 to 1000, not 1001");
    let overlap =
        "[[step]]\ndo = { create-client = \"c-2\" }\n[[step]]\ndo = { create-clients = \"c\", count = 2 }\n";
    refused(overlap, "p.toml:5: the client `c-2` was made before");
    let twice = "[[step]]\ndo = { create-client = \"c\" }\n".repeat(2);
    refused(&twice, "p.toml:5: the client `c` was made before");
}

#[test]
fn the_scenarios_of_the_house_are_sound() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut read = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let plan = Plan::parse(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap()).unwrap();
        assert!(!plan.acts.is_empty() && !plan.story.is_empty());
        read += 1;
    }
    assert!(read > 0);
}

#[test]
fn spans_are_written_as_they_are_read() {
    for text in ["1ms", "250ms", "35s", "2m", "23h", "30d"] {
        assert_eq!(Span::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(Span::parse("1000ms").unwrap().to_string(), "1s");
    assert_eq!([Span::parse(""), Span::parse("s"), Span::parse("1"), Span::parse("-1s")], [None; 4]);
}

#[test]
fn every_verb_is_documented() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/TESTING.md")).unwrap();
    for key in Verb::KEYS {
        assert!(text.contains(&format!("`{key}` = ")), "docs/TESTING.md says nothing of `{key}`");
    }
}
