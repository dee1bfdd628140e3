//! The load: keep-alive connections that send the same bytes again and again, on one thread of its own. It reads no more of
//! an answer than it must.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections at a time.
pub const CONNECTIONS: usize = 32;
/// Bytes of an answer that are read.
const MAX_REPLY_BYTES: usize = 16 << 10;
/// A slice that has not ended this long after its time is stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one slice saw.
#[derive(Default)]
pub struct Slice {
    /// How long each answer took, in microseconds.
    pub latencies_us: Vec<u32>,
    /// How long the slice was.
    pub elapsed: Duration,
}

/// The bytes of a POST of this form.
pub fn request(port: u16, path: &str, authorization: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: {authorization}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .into_bytes()
}

/// Loads the server for that long, on a thread of its own.
pub async fn slice(port: u16, request: Vec<u8>, lasts: Duration) -> Result<Slice> {
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime
            .block_on(tokio::time::timeout(lasts + PATIENCE, drive(port, request, lasts)))
            .context("the load is stuck")?
    })
    .await?
}

async fn drive(port: u16, request: Vec<u8>, lasts: Duration) -> Result<Slice> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let request: std::rc::Rc<[u8]> = request.into();
    let mut streams = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let local = tokio::task::LocalSet::new();
    let begin = Instant::now();
    let tasks: Vec<_> =
        streams.into_iter().map(|stream| local.spawn_local(repeat(stream, request.clone(), begin + lasts))).collect();
    let mut slice = Slice::default();
    local
        .run_until(async {
            for task in tasks {
                slice.latencies_us.extend(task.await??);
            }
            anyhow::Ok(())
        })
        .await?;
    slice.elapsed = begin.elapsed();
    Ok(slice)
}

async fn repeat(mut stream: TcpStream, request: std::rc::Rc<[u8]>, until: Instant) -> Result<Vec<u32>> {
    let mut latencies_us = Vec::new();
    let mut buffer = vec![0; MAX_REPLY_BYTES];
    loop {
        let begin = Instant::now();
        if begin >= until {
            return Ok(latencies_us);
        }
        stream.write_all(&request).await?;
        answer(&mut stream, &mut buffer).await?;
        latencies_us.push(u32::try_from(begin.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
}

/// Reads one answer; any status but 200 ends the slice.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    let mut whole = None;
    while whole.is_none_or(|whole| filled < whole) {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the server closed the connection, or its answer is beyond {MAX_REPLY_BYTES} bytes");
        }
        filled += read;
        whole = whole.or_else(|| length(&buffer[..filled]));
    }
    if !buffer.starts_with(b"HTTP/1.1 200") {
        bail!("an answer that is not 200: {}", String::from_utf8_lossy(&buffer[..filled]));
    }
    Ok(())
}

/// The length of head and body, once the head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let name = b"content-length: ";
    let at = bytes[..head].windows(name.len()).position(|window| window.eq_ignore_ascii_case(name))? + name.len();
    let digits = bytes[at..head].iter().take_while(|byte| byte.is_ascii_digit());
    Some(head + digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}
