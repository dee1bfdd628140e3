//! Faults on real nodes: signals to processes, files of databases, links of the network, bytes of strangers.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::disk;
use super::network::{Link, Network, Trouble, flip};
use super::node::{Clock, READY_WITHIN};
use super::stage::Stage;
use crate::plan::verb::{Forgery, Partition, RestoreBackup, SlowDisk};
use crate::plan::{Chance, Span, Verb};

const TEAR: u64 = 601;
const SLOW: u64 = 602;
const FORGE: u64 = 603;
/// Bytes of noise, at most.
const NOISE: u64 = 2000;

impl Stage {
    pub(super) async fn fault(self: &Arc<Self>, verb: &Verb, place: usize) -> Result<String> {
        let node = self.node(place);
        match verb {
            Verb::Kill(kill) => {
                node.kill().await?;
                self.back_after(kill.lasts, place);
                Ok("SIGKILL".into())
            }
            Verb::Stop(stop) => {
                node.stop().await?;
                self.back_after(stop.lasts, place);
                Ok("ended".into())
            }
            Verb::Restart(_) => self.restart(place).await,
            Verb::Pause(pause) => {
                node.pause().await?;
                let life = node.lives();
                self.later(pause.lasts, move |stage| async move {
                    // Another life, or none, needs no thaw.
                    if stage.node(place).lives() == life {
                        let _ = stage.node(place).resume().await;
                    }
                });
                Ok("SIGSTOP".into())
            }
            Verb::Resume(_) => node.resume().await.map(|()| "SIGCONT".into()),
            Verb::LoseDisk(lose) => {
                self.down_with_disk(place).await?;
                node.while_down(disk::wipe).await?;
                self.state().replaced.insert(place);
                self.back_after(lose.lasts, place);
                Ok("the identity stays".into())
            }
            Verb::Backup(backup) => self.back_up(place, &backup.backup).await,
            Verb::RestoreBackup(restore) => self.restore(place, restore).await,
            Verb::TearDisk(tear) => {
                self.down_with_disk(place).await?;
                let chance = self.chance(TEAR, place);
                node.while_down(|database| disk::tear(database, chance)).await?;
                self.state().replaced.insert(place);
                self.back_after(tear.lasts, place);
                Ok("half a row is left".into())
            }
            Verb::SlowDisk(slow) => self.slow_disk(place, slow).await,
            Verb::FailDisk(fail) => self.fail_disk(place, fail.lasts),
            Verb::Cut(cut) => {
                let links = self.way(place, &cut.to)?;
                self.mend_after(cut.lasts, self.network()?.sever(links))
            }
            Verb::Clog(clog) => {
                let links = self.way(place, &clog.to)?;
                self.mend_after(clog.lasts, self.network()?.clog(links))
            }
            Verb::Replay(replay) => {
                let frame = self.network()?.old_frame(replay.back).context("no frame went by yet")?;
                Ok(node.api.frame(frame).await?.status.to_string())
            }
            Verb::Forge(forge) => self.forge(place, forge.what).await,
            other => bail!("`{}` is not done node by node", other.key()),
        }
    }

    pub(super) fn partition(self: &Arc<Self>, partition: &Partition) -> Result<String> {
        let links = partition.links(&self.plan.nodes);
        let saw = format!("{} ways cut", links.len());
        self.mend_after(partition.lasts, self.network()?.sever(links))?;
        Ok(saw)
    }

    /// Ends what befell the disk of a node: it is as fast as it is, and has room.
    pub(super) async fn mend_disk(&self, place: usize) -> Result<()> {
        let slow = self.state().slow.remove(&place);
        if let Some(slow) = slow {
            slow.end().await;
        }
        if self.state().full.remove(&place) {
            disk::drain(&self.node(place).database())?;
        }
        Ok(())
    }

    fn back_after(self: &Arc<Self>, lasts: Option<Span>, place: usize) {
        self.later(lasts, move |stage| async move { stage.start_beside(place) });
    }

    fn mend_after(self: &Arc<Self>, lasts: Option<Span>, trouble: Trouble) -> Result<String> {
        let network: Arc<Network> = self.network()?.clone();
        self.later(lasts, move |_| async move { network.mend(trouble) });
        Ok(String::new())
    }

    /// From a node to the one of this name.
    fn way(&self, from: usize, to: &str) -> Result<Option<Link>> {
        let to = self.plan.place(to).with_context(|| format!("there is no node {to}"))?;
        Ok((to != from).then_some((from, to)))
    }

    async fn restart(&self, place: usize) -> Result<String> {
        let node = self.node(place);
        // A supervisor makes room, and starts anew what gave up.
        if self.state().full.contains(&place) {
            self.mend_disk(place).await?;
            if node.is_up().await {
                node.kill().await?;
            }
        }
        if !self.start(place, Clock::Judged, READY_WITHIN).await? {
            bail!("it is up; kill or stop it first");
        }
        Ok("ready".into())
    }

    /// Ends the process if there is one, and all that had befallen its disk, which is replaced now.
    async fn down_with_disk(&self, place: usize) -> Result<()> {
        if self.node(place).is_up().await {
            self.node(place).kill().await?;
        }
        self.mend_disk(place).await
    }

    async fn back_up(&self, place: usize, name: &str) -> Result<String> {
        let (database, copy) = (self.node(place).database(), self.copy(place, name));
        let bytes = tokio::task::spawn_blocking(move || {
            disk::back_up(&database, &copy)?;
            anyhow::Ok(std::fs::metadata(&copy)?.len())
        });
        Ok(format!("{} KiB", bytes.await?? / 1024))
    }

    async fn restore(self: &Arc<Self>, place: usize, restore: &RestoreBackup) -> Result<String> {
        let copy = self.copy(place, &restore.backup);
        if !copy.exists() {
            bail!("there is no such backup of this node");
        }
        self.down_with_disk(place).await?;
        self.node(place).while_down(|database| disk::put_back(database, &copy)).await?;
        self.state().replaced.insert(place);
        self.back_after(restore.lasts, place);
        Ok("an older database".into())
    }

    async fn slow_disk(self: &Arc<Self>, place: usize, slow: &SlowDisk) -> Result<String> {
        let former = self.state().slow.remove(&place);
        if let Some(former) = former {
            former.end().await;
        }
        let spells = disk::slow(self.node(place).database(), slow.by.0, self.chance(SLOW, place));
        self.state().slow.insert(place, spells);
        self.later(slow.lasts, move |stage| async move {
            let spells = stage.state().slow.remove(&place);
            if let Some(spells) = spells {
                spells.end().await;
            }
        });
        Ok("somebody else holds the database, again and again".into())
    }

    fn fail_disk(self: &Arc<Self>, place: usize, lasts: Option<Span>) -> Result<String> {
        disk::fill(&self.node(place).database())?;
        self.state().full.insert(place);
        self.later(lasts, move |stage| async move {
            // That it does not come up shows at the heal at the latest.
            let _ = stage.restart(place).await;
        });
        Ok("no room for another row".into())
    }

    async fn forge(&self, place: usize, what: Forgery) -> Result<String> {
        let chance = self.chance(FORGE, place);
        let last = || self.network()?.old_frame(0).context("no frame went by yet");
        let bytes = match what {
            Forgery::Noise => (0..chance.at(0).below(NOISE)).map(|at| chance.at(1).at(at).word() as u8).collect(),
            Forgery::Oversized => vec![0x30; symbolon_core::config::MAX_FRAME_BYTES + 1],
            Forgery::Truncated => {
                let mut bytes = last()?;
                bytes.truncate(chance.at(2).below(bytes.len() as u64) as usize);
                bytes
            }
            Forgery::Tampered => {
                let mut bytes = last()?;
                for turn in 0..chance.at(3).between(1, 8) {
                    flip(&mut bytes, chance.at(4).at(turn));
                }
                bytes
            }
        };
        let status = self.node(place).api.frame(bytes).await?.status;
        if status.is_success() {
            bail!("the bytes of a stranger were answered with {status}");
        }
        Ok(status.to_string())
    }

    fn chance(&self, purpose: u64, place: usize) -> Chance {
        Chance::of(self.plan.seed, purpose).at(place as u64).at(self.node(place).lives())
    }
}
