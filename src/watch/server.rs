//! A server for browsers on this machine: on the loopback address only, read-only, a bounded number of them at once.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::Duration;

/// A request is no longer.
const MOST_REQUEST_BYTES: u64 = 16 << 10;
/// Browsers that are answered at once.
const MOST_CONNECTIONS: usize = 16;
/// Whoever says nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// Before the next one, where the system has nothing left for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The port cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("no page on 127.0.0.1:{port}: {source}; choose another port, or 0 for any")]
pub struct PageError {
    /// As wanted.
    pub port: u16,
    /// What the system says.
    pub source: std::io::Error,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Without the first `/`, and with its `%20` as they are meant.
    pub(super) path: String,
}

/// What is answered.
pub(super) struct Answer {
    pub(super) status: &'static str,
    pub(super) kind: &'static str,
    pub(super) body: Body,
}

pub(super) enum Body {
    Text(String),
    /// As long as it was when it was opened.
    File(File, u64),
}

impl Answer {
    pub(super) fn refusal(status: &'static str) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", body: Body::Text(status.to_owned()) }
    }
}

/// Gives the answers.
pub(super) type Site = dyn Fn(&Request) -> Answer + Send + Sync;

/// Answers until the process ends.
pub(super) fn serve(port: u16, site: Arc<Site>) -> Result<SocketAddr, PageError> {
    let failed = |source| PageError { port, source };
    // Nobody else can reach this address.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let listen = move || {
        let open = Arc::new(AtomicUsize::new(0));
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                std::thread::sleep(PAUSE);
                continue;
            };
            let Some(guest) = Guest::admitted(&open) else { continue };
            let site = Arc::clone(&site);
            // Where there is no thread for it, the connection is closed.
            let _ = Builder::new().spawn(move || {
                let _guest = guest;
                // A browser that goes away is no fault of ours.
                let _ = answer(&stream, address.port(), &*site);
            });
        }
    };
    Builder::new().spawn(listen).map_err(failed)?;
    Ok(address)
}

/// One of the connections that are open.
struct Guest(Arc<AtomicUsize>);

impl Guest {
    fn admitted(open: &Arc<AtomicUsize>) -> Option<Guest> {
        let guest = Guest(Arc::clone(open));
        (open.fetch_add(1, Ordering::SeqCst) < MOST_CONNECTIONS).then_some(guest)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn answer(stream: &TcpStream, port: u16, site: &Site) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.take(MOST_REQUEST_BYTES)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut host = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("host")
        {
            host = Some(value.trim().to_owned());
        }
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let answer = match understood(target, host.as_deref(), port) {
        _ if !matches!(method, "GET" | "HEAD") => Answer::refusal("405 Method Not Allowed"),
        Ok(request) => site(&request),
        Err(status) => Answer::refusal(status),
    };
    let length = match &answer.body {
        Body::Text(text) => text.len() as u64,
        Body::File(_, length) => *length,
    };
    let mut out = stream;
    write!(
        out,
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        answer.status, answer.kind,
    )?;
    match answer.body {
        _ if method == "HEAD" => {}
        Body::Text(text) => out.write_all(text.as_bytes())?,
        Body::File(file, length) => drop(std::io::copy(&mut file.take(length), &mut out)?),
    }
    out.flush()
}

/// What a request line asks for, or the status that refuses it.
fn understood(target: &str, host: Option<&str>, port: u16) -> Result<Request, &'static str> {
    // A page of somebody else that has its name point here has another host.
    let own = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{port}"));
    if !host.is_some_and(|host| own.iter().any(|own| own.eq_ignore_ascii_case(host))) {
        return Err("403 Forbidden");
    }
    let path = target.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
    decoded(path).map(|path| Request { path }).ok_or("400 Bad Request")
}

/// A path with its `%20`.
fn decoded(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}
