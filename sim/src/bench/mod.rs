//! x
use crate::cli::Ended;
use anyhow::Result;
/// b
#[derive(clap::Args)]
pub struct Bench {}
/// b
#[derive(clap::Args)]
pub struct Bare {}
/// b
pub fn bench(_: &Bench) -> Result<Ended> {
    Ok(Ended::Well)
}
/// b
pub fn bare(_: &Bare) -> Result<Ended> {
    Ok(Ended::Well)
}
