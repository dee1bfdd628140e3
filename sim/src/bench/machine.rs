//! Which commit on which machine: without it a figure means nothing.

use std::process::Command;

use anyhow::Result;

/// One line for the head of the table.
pub fn headline() -> Result<String> {
    let commit = said("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|| "unknown".into());
    let compiler = said("rustc", &["--version"]).unwrap_or_else(|| "rustc unknown".into());
    let cores = std::thread::available_parallelism()?;
    Ok(format!("commit {commit} · {} · {cores} cores · {compiler}", processor()))
}

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().to_owned())
}
