//! The live world: real processes on loopback with TLS, disks and signals. Nothing is faked; it builds nothing itself, and
//! ends only what it started.

mod certificates;
pub mod cluster;
mod config;
pub mod dial;
mod expect;
mod ports;
pub mod proc;
pub mod process;
pub mod proxy;
mod traffic;
mod verbs;
mod world;

pub use super::client::{api, http};
pub use cluster::{Cluster, Layout};
pub use ports::Ports;
pub use traffic::{NodeTraffic, Progress, TrafficReport};
pub use world::{Live, Outcome};

use super::Cannot;
use crate::plan::{Plan, Verb};

/// What of a plan this world cannot do, if anything. Its weather is that of the machine, whatever the plan says.
pub fn cannot(plan: &Plan) -> Option<Cannot> {
    let head = |problem: &str| Some(Cannot { line: 1, problem: format!("{problem} in the live world") });
    if !plan.clocks.is_empty() {
        return head("all clocks are one");
    }
    if !plan.absent.is_empty() || !plan.uninvited.is_empty() || !plan.heals.is_empty() {
        return head("all nodes start, are members, and heal,");
    }
    super::undone(plan, "live", does)
}

fn does(verb: &Verb) -> bool {
    match verb {
        Verb::Login(_) | Verb::Logout(_) | Verb::SetClusterKey(_) | Verb::SeedAll(_) => true,
        Verb::CreateClient(_) | Verb::CreateClients(_) | Verb::EditClient(_) | Verb::DeleteClient(_) => true,
        Verb::DefineScope(_) | Verb::RemoveScope(_) | Verb::Token(_) | Verb::Introspect(_) | Verb::Revoke(_) => true,
        Verb::Traffic(_) | Verb::Wait(_) | Verb::Restart(_) | Verb::Resume(_) => true,
        // What ends by itself needs somebody who ends it; here steps do.
        Verb::Kill(kill) => kill.lasts.is_none(),
        Verb::Stop(stop) => stop.lasts.is_none(),
        Verb::Pause(pause) => pause.lasts.is_none(),
        Verb::LoseDisk(lose) => lose.lasts.is_none(),
        Verb::EndSessions(_) | Verb::RotateSecret(_) | Verb::RotateKey(_) | Verb::WithdrawKey(_) => false,
        Verb::Partition(_) | Verb::Cut(_) | Verb::Clog(_) | Verb::Heal(_) => false,
        Verb::Backup(_) | Verb::RestoreBackup(_) | Verb::SlowDisk(_) | Verb::FailDisk(_) | Verb::TearDisk(_) => false,
        Verb::StepClock(_) | Verb::FreezeClock(_) | Verb::AcceptClock(_) | Verb::Replay(_) | Verb::Forge(_) => false,
    }
}
