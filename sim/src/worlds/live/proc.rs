//! What /proc says of processes: who holds a port, processor time, resident memory. It reads only.

use std::fs;
use std::time::Duration;

/// A process that listens.
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its command line.
    pub command: String,
}

/// Ticks of utime and stime in a second; the same on every Linux that Rust knows.
const TICKS_PER_S: u64 = 100;

/// The process that listens on this TCP port, as far as this user may see.
pub fn listener_of(port: u16) -> Option<Holder> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| listening_inode(table, port))?;
    let socket = format!("socket:[{inode}]");
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(open) = fs::read_dir(entry.path().join("fd")) else { continue };
        let holds =
            |link: std::path::PathBuf| fs::read_link(link).is_ok_and(|target| target.as_os_str() == socket.as_str());
        if open.flatten().any(|link| holds(link.path())) {
            return Some(Holder { pid, command: command(pid) });
        }
    }
    None
}

/// The inode of the socket that listens on `port`, from a table of /proc/net.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let text = fs::read_to_string(table).ok()?;
    text.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, hex) = fields.get(1)?.rsplit_once(':')?;
        let found = u16::from_str_radix(hex, 16).ok()? == port && *fields.get(3)? == LISTEN;
        found.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
    })
}

fn command(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> =
        bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    words.join(" ")
}

/// Processor time of the process so far, all threads, user and system.
pub fn cpu(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command may hold spaces and parentheses; the fields are counted from its end, where `state` is the third.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_S))
}

/// Resident memory of the process, in bytes.
pub fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
