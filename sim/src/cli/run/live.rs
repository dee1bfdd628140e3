//! `symbolon-sim run --world live`: real processes, watched while they run. It ends what it started, also when interrupted.

use std::time::Instant;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use super::Run;
use crate::cli::Ended;
use crate::plan::Plan;
use crate::report::{ActRecord, NodeRecord, Record, Screen, milliseconds};
use crate::worlds::live::cluster::{Misconfigured, PASSWORD, USER};
use crate::worlds::live::{Live, Outcome};

/// Runs the plan, and tells.
pub(super) fn run(arguments: &Run, file: &str, plan: &Plan) -> Result<Ended> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Dropping the run ends its nodes, so an interruption needs no more than this.
    runtime.block_on(async {
        let mut ended = tokio::select! {
            biased;
            stopped = interrupted() => return stopped.and_then(|()| bail!("interrupted; the nodes were ended")),
            ended = watch(arguments, file, plan) => match ended {
                Err(error) if error.is::<Misconfigured>() => return Ok(Ended::Misasked(format!("{file}: {error}"))),
                ended => ended?,
            },
        };
        if let Some(live) = ended.live.take() {
            interrupted().await?;
            live.cluster().end().await?;
        }
        Ok(if ended.pass { Ended::Well } else { Ended::Badly })
    })
}

/// A run that is over, with the nodes if they are to stay up.
struct Watched {
    pass: bool,
    live: Option<Live>,
}

async fn watch(arguments: &Run, file: &str, plan: &Plan) -> Result<Watched> {
    let screen = Screen::new(arguments.json);
    let mut record = Record { plan: file.into(), world: "live", ..Record::default() };
    screen.story(file, plan.nodes.len(), "live", &plan.story);
    let begin = Instant::now();
    let (mut live, started) = Live::start(plan, arguments.ports, arguments.short).await?;
    screen.line("");
    record.pass = true;
    tell(&screen, &mut record, &started);
    for act in &plan.acts {
        if let Some(scene) = &act.scene {
            screen.scene(scene);
        }
        live.act(act, &screen).await.iter().for_each(|outcome| tell(&screen, &mut record, outcome));
        if !record.pass {
            break;
        }
    }
    if record.pass {
        screen.scene("The end");
        live.finish().await.iter().for_each(|outcome| tell(&screen, &mut record, outcome));
    }
    if let Some(failed) = record.acts.iter().find(|act| !act.pass) {
        let (line, tails) = (failed.line, live.cluster().tails());
        screen.line(&format!("\n    {file}:{line}: this did not hold. The nodes said:\n\n{tails}"));
    }
    if record.pass {
        record.nodes = figures(&live).await;
        screen.figures(&record.nodes);
    }
    record.elapsed_ms = milliseconds(begin.elapsed());
    screen.verdict(&record);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&record)?);
    }
    if arguments.interactive {
        invite(&live, &screen);
        return Ok(Watched { pass: record.pass, live: Some(live) });
    }
    live.cluster().end().await?;
    Ok(Watched { pass: record.pass, live: None })
}

fn tell(screen: &Screen, record: &mut Record, outcome: &Outcome) {
    let act = ActRecord::of(outcome.line, outcome);
    screen.act(&act);
    record.pass &= act.pass;
    record.acts.push(act);
}

async fn figures(live: &Live) -> Vec<NodeRecord> {
    let mut nodes = Vec::new();
    for (place, (node, traffic)) in live.cluster().nodes().iter().zip(live.traffic()).enumerate() {
        nodes.push(NodeRecord::of(&node.name, &traffic, &live.gossip(place).await));
    }
    nodes
}

/// Where and how to go on by hand.
fn invite(live: &Live, screen: &Screen) {
    let Some(ca) = live.cluster().ca_file() else { return };
    let ca = ca.display();
    let jar = live.cluster().dir().join("cookies").display().to_string();
    screen.scene("The nodes stay up until Ctrl-C");
    for node in live.cluster().nodes() {
        screen.line(&format!("    {:<6} https://127.0.0.1:{}", node.name, node.port));
    }
    let Some(first) = live.cluster().nodes().first() else { return };
    let origin = format!("https://127.0.0.1:{}", first.port);
    let login = format!("{{\"username\":\"{USER}\",\"password\":\"{PASSWORD}\"}}");
    screen.line(&format!("\n    log in as {USER} with {PASSWORD}, an administrator:"));
    screen.line(&format!(
        "    curl --cacert {ca} -c {jar} -H 'content-type: application/json' -d '{login}' {origin}/api/auth/login"
    ));
    screen.line(&format!("    curl --cacert {ca} -b {jar} {origin}/api/admin/clients"));
    if let Some(client) = live.any_client() {
        let secret = client.secret.as_deref().unwrap_or_default();
        let form = format!("grant_type=client_credentials&client_id={}&client_secret={secret}", client.id);
        screen.line("\n    get a token:");
        screen.line(&format!("    curl --cacert {ca} -d '{form}' {origin}/token"));
    }
    screen.line(&format!("\n    configurations, data and logs: {}\n", live.cluster().dir().display()));
}

/// Waits for Ctrl-C, or for being told to end.
async fn interrupted() -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        pressed = tokio::signal::ctrl_c() => Ok(pressed?),
        _ = terminated.recv() => Ok(()),
    }
}
