//! One seed, one trace: seeds are run in two processes, perhaps of two builds, and what differs is named, down to the first
//! step. Two runs in one process would share what hides there: addresses and the seeds of hash maps.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::seeds::Seeds;
use super::world::World;
use crate::worlds::quick::Planted;

/// Steps that are shown before the one that differs.
const BEFORE: usize = 3;

/// Two programs that should do the same.
pub struct Pair {
    /// One.
    pub one: PathBuf,
    /// The other, perhaps the same.
    pub other: PathBuf,
    /// Where they run seeds.
    pub world: World,
    /// A mistake that is put into the world of both on purpose.
    pub planted: Option<Planted>,
}

/// A seed that does not repeat itself.
pub struct Difference {
    /// The seed.
    pub seed: u64,
    /// The first step that differs, counted from 1, and a few before it; none if the steps are the same when they are looked at.
    pub tale: Option<String>,
}

impl Pair {
    /// Runs seeds in both, and tells how they differ. They run at the same time.
    ///
    /// # Errors
    /// If one of them does not run, or breaks off.
    pub fn compare(&self, seeds: Seeds) -> Result<Vec<Difference>, String> {
        let (one, other) = self.both(&["traces", "--seeds", &seeds.to_string()])?;
        let counted = (seeds.end - seeds.first) as usize;
        for (program, lines) in [(&self.one, &one), (&self.other, &other)] {
            if lines.len() != counted {
                return Err(format!("{} told {} traces of {counted} seeds", program.display(), lines.len()));
            }
        }
        let differing = (seeds.first..seeds.end).zip(one.iter().zip(&other)).filter(|(_, (one, other))| one != other);
        let mut differences = Vec::new();
        for (seed, _) in differing {
            // The first is looked into; the others most likely have the same cause.
            let tale = if differences.is_empty() { self.first_step(seed)? } else { None };
            differences.push(Difference { seed, tale });
        }
        Ok(differences)
    }

    fn first_step(&self, seed: u64) -> Result<Option<String>, String> {
        let (one, other) = self.both(&["steps", &seed.to_string()])?;
        let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        let step = |lines: &[String]| lines.get(same).cloned().unwrap_or_else(|| "nothing: the trace ends".into());
        if same == one.len().max(other.len()) {
            return Ok(None);
        }
        let before: String =
            one[same.saturating_sub(BEFORE)..same].iter().map(|line| format!("    {line}\n")).collect();
        let (number, one, other) = (same + 1, step(&one), step(&other));
        let (first, second) = (self.one.display(), self.other.display());
        Ok(Some(format!("  step {number} differs:\n{before}  - {one}\n  + {other}\n  - is {first}\n  + is {second}")))
    }

    fn both(&self, arguments: &[&str]) -> Result<(Vec<String>, Vec<String>), String> {
        let (one, other) = (self.begin(&self.one, arguments)?, self.begin(&self.other, arguments)?);
        let one = end(&self.one, one);
        let other = end(&self.other, other);
        Ok((one?, other?))
    }

    fn begin(&self, program: &Path, arguments: &[&str]) -> Result<Child, String> {
        let mut command = Command::new(program);
        command.args(arguments).args(["--world", self.world.name()]);
        if let Some(planted) = self.planted {
            command.args(["--bug", planted.name()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("{}: {error}", program.display()))
    }
}

fn end(program: &Path, child: Child) -> Result<Vec<String>, String> {
    let output = child.wait_with_output().map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{} broke off, {}: {}", program.display(), output.status, said.trim_end()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| format!("{} printed no text", program.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}
