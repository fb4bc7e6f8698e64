//! The results of a run as a page that loads itself again, for a browser on this machine: read-only, on the loopback address only.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A request is no longer.
const MOST_REQUEST_BYTES: u64 = 16 << 10;
/// Browsers that are answered at once.
const MOST_CONNECTIONS: usize = 16;
/// Whoever says nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// A file is no larger.
const MOST_FILE_BYTES: u64 = 256 << 20;

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The port is taken.
    #[error("no page on 127.0.0.1:{port}: {source}; choose another port, or 0 for any")]
    Port {
        /// As wanted.
        port: u16,
        /// What the system says.
        source: std::io::Error,
    },
    /// The results are not there.
    #[error("no page of {folder}: {source}")]
    Folder {
        /// Their folder.
        folder: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
}

/// Answers until the process ends.
#[derive(Debug)]
pub struct PageServer {
    address: SocketAddr,
}

impl PageServer {
    /// Serves the files of `folder`, of which `first` is the page; it is loaded again every `seconds`.
    ///
    /// # Errors
    /// The port is taken; the folder is not there.
    pub fn start(folder: &Path, first: &str, port: u16, seconds: u32) -> Result<PageServer, PageError> {
        let folder = folder
            .canonicalize()
            .map_err(|source| PageError::Folder { folder: folder.to_owned(), source })?;
        // Nobody else can reach this address.
        let failed = |source| PageError::Port { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let site = Arc::new(Site { folder, first: first.to_owned(), seconds, port: address.port() });
        std::thread::spawn(move || {
            let open = Arc::new(AtomicUsize::new(0));
            for stream in listener.incoming().flatten() {
                if open.fetch_add(1, Ordering::SeqCst) >= MOST_CONNECTIONS {
                    open.fetch_sub(1, Ordering::SeqCst);
                    continue;
                }
                let (site, open) = (Arc::clone(&site), Arc::clone(&open));
                std::thread::spawn(move || {
                    // A browser that goes away is no fault of ours.
                    let _ = site.answer(&stream);
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Ok(PageServer { address })
    }

    /// Where it is, for a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

struct Site {
    /// Canonical.
    folder: PathBuf,
    first: String,
    seconds: u32,
    port: u16,
}

/// What is answered.
struct Answer {
    status: &'static str,
    kind: &'static str,
    refresh: bool,
    body: Vec<u8>,
}

impl Answer {
    fn refusal(status: &'static str) -> Answer {
        Answer { status, kind: "text/plain; charset=utf-8", refresh: false, body: status.as_bytes().to_vec() }
    }
}

impl Site {
    fn answer(&self, stream: &TcpStream) -> std::io::Result<()> {
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
        let (answer, with_body) = self.to(&request, host.as_deref());
        let mut out = stream;
        let refresh = if answer.refresh { format!("Refresh: {}\r\n", self.seconds) } else { String::new() };
        write!(
            out,
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
             Connection: close\r\n{refresh}\r\n",
            answer.status,
            answer.kind,
            answer.body.len()
        )?;
        if with_body {
            out.write_all(&answer.body)?;
        }
        out.flush()
    }

    /// The answer to a request line, and whether its body is wanted.
    fn to(&self, request: &str, host: Option<&str>) -> (Answer, bool) {
        let mut words = request.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let with_body = match method {
            "GET" => true,
            "HEAD" => false,
            _ => return (Answer::refusal("405 Method Not Allowed"), true),
        };
        // A page of somebody else that has its name point here has another host.
        let own = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.port));
        if !host.is_some_and(|host| own.iter().any(|own| own.eq_ignore_ascii_case(host))) {
            return (Answer::refusal("403 Forbidden"), with_body);
        }
        let path = target.split(['?', '#']).next().unwrap_or_default().trim_start_matches('/');
        let Some(path) = decoded(path) else { return (Answer::refusal("400 Bad Request"), with_body) };
        let path = if path.is_empty() { self.first.clone() } else { path };
        (self.file(&path).unwrap_or_else(|| Answer::refusal("404 Not Found")), with_body)
    }

    /// A file below the folder; links that lead out are none.
    fn file(&self, path: &str) -> Option<Answer> {
        let hidden =
            |part: &str| part.is_empty() || part.starts_with('.') || part.contains(['\\', '\0', ':']);
        if path.split('/').any(hidden) {
            return None;
        }
        let real =
            self.folder.join(path).canonicalize().ok().filter(|real| real.starts_with(&self.folder))?;
        let metadata = std::fs::metadata(&real).ok().filter(|metadata| metadata.is_file())?;
        if metadata.len() > MOST_FILE_BYTES {
            return None;
        }
        let kind = match real.extension().and_then(|extension| extension.to_str()) {
            Some("html") => "text/html; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json") => "application/json",
            Some("csv" | "xye" | "iq" | "sq" | "fq" | "gr" | "rdf" | "chi" | "fxye" | "yaml") => {
                "text/plain; charset=utf-8"
            }
            Some(_) | None => "application/octet-stream",
        };
        let body = std::fs::read(&real).ok()?;
        Some(Answer { status: "200 OK", kind, refresh: kind.starts_with("text/html"), body })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Status line, headers and body of the answer to `request`.
    fn ask(server: &PageServer, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn only_files_of_the_folder_are_shown_to_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("results");
        std::fs::create_dir_all(folder.join("a b")).unwrap();
        std::fs::write(folder.join("index.html"), "<p>live</p>").unwrap();
        std::fs::write(folder.join("a b/x.gr"), "0 1\n").unwrap();
        std::fs::write(folder.join(".hidden"), "secret").unwrap();
        std::fs::write(dir.path().join("outside.txt"), "secret").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path().join("outside.txt"), folder.join("link.txt")).unwrap();
        let server = PageServer::start(&folder, "index.html", 0, 5).unwrap();
        assert!(server.address.ip().is_loopback() && server.url().starts_with("http://127.0.0.1:"));
        let port = server.address.port();
        let get =
            |target: &str| ask(&server, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
        let page = get("/");
        assert!(
            page.starts_with("HTTP/1.1 200 OK")
                && page.contains("Refresh: 5")
                && page.ends_with("<p>live</p>"),
            "{page}"
        );
        assert!(get("/a%20b/x.gr?again").ends_with("0 1\n"));
        for target in [
            "/../outside.txt",
            "/a%20b/../../outside.txt",
            "/%2e%2e/outside.txt",
            "/.hidden",
            "/link.txt",
            "//etc/passwd",
            "/a b",
            "/nothing",
            "/a%20b",
            "/C:/x",
            "/%00",
        ] {
            let answer = get(target);
            assert!(
                !answer.contains("secret")
                    && !answer.contains("root:")
                    && !answer.starts_with("HTTP/1.1 200"),
                "{target}: {answer}"
            );
        }
        assert!(get("/%zz").starts_with("HTTP/1.1 400"));
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "", "PATCH"] {
            let answer = ask(&server, &format!("{method} / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"));
            assert!(answer.starts_with("HTTP/1.1 405"), "{method}: {answer}");
        }
        // A name of somebody else's that points here.
        let answer = ask(&server, "GET / HTTP/1.1\r\nHost: attacker.example\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        let head = ask(&server, &format!("HEAD / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"));
        assert!(head.starts_with("HTTP/1.1 200 OK") && !head.contains("<p>"), "{head}");
        // A request without an end is not kept.
        let endless = ask(&server, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(64 << 10)));
        assert!(!endless.starts_with("HTTP/1.1 200"), "{endless}");
        assert!(matches!(PageServer::start(&folder, "index.html", port, 5), Err(PageError::Port { .. })));
    }
}
