//! The page of a watch, for a browser on this machine: how far it is, and the report, which loads itself again when it was made again.

use std::collections::VecDeque;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::server::{Answer, Body, PageError, Request, serve};

/// A file is no larger.
const MOST_FILE_BYTES: u64 = 256 << 20;
/// Lines of what happened that are shown.
const MOST_LINES: usize = 200;

/// Serves until the process ends.
#[derive(Debug)]
pub struct PageServer {
    address: SocketAddr,
    state: Arc<Mutex<LiveState>>,
}

/// What the page shows beside the report.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LiveState {
    /// The run file.
    pub run_file: String,
    /// Frames of samples that have ended.
    pub frames: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// How often the results were made.
    pub refreshed: usize,
    /// When they were made last: UTC, ISO 8601.
    pub refreshed_at: Option<String>,
    /// What happened, the last line last.
    pub lines: VecDeque<String>,
}

impl LiveState {
    /// One line more.
    pub fn say(&mut self, line: String) {
        self.lines.push_back(line);
        if self.lines.len() > MOST_LINES {
            self.lines.pop_front();
        }
    }
}

impl PageServer {
    /// Serves the files of `folder`, which need not be there yet, and the page at `/`.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(folder: &Path, port: u16) -> Result<PageServer, PageError> {
        let state = Arc::new(Mutex::new(LiveState::default()));
        let site = Pages { folder: folder.to_owned(), state: Arc::clone(&state) };
        let address = serve(port, Arc::new(move |request| site.answer(request)))?;
        Ok(PageServer { address, state })
    }

    /// Where it is, for a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Changes what the page shows.
    pub fn tell(&self, change: impl FnOnce(&mut LiveState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

struct Pages {
    folder: PathBuf,
    state: Arc<Mutex<LiveState>>,
}

impl Pages {
    fn answer(&self, request: &Request) -> Answer {
        let text = |kind, text| Answer { status: "200 OK", kind, body: Body::Text(text) };
        match request.path.as_str() {
            "" => text("text/html; charset=utf-8", include_str!("live.html").to_owned()),
            "live.json" => {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                match serde_json::to_string(&*state) {
                    Ok(json) => text("application/json", json),
                    Err(_) => Answer::refusal("500 Internal Server Error"),
                }
            }
            path => self.file(path).unwrap_or_else(|| Answer::refusal("404 Not Found")),
        }
    }

    /// A file below the folder; links that lead out are none.
    fn file(&self, path: &str) -> Option<Answer> {
        let hidden =
            |part: &str| part.is_empty() || part.starts_with('.') || part.contains(['\\', '\0', ':']);
        if path.split('/').any(hidden) {
            return None;
        }
        let folder = self.folder.canonicalize().ok()?;
        let real = folder.join(path).canonicalize().ok().filter(|real| real.starts_with(&folder))?;
        let file = File::open(&real).ok()?;
        let metadata = file.metadata().ok().filter(|metadata| metadata.is_file())?;
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
        Some(Answer { status: "200 OK", kind, body: Body::File(file, metadata.len()) })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

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
        std::fs::write(folder.join("index.html"), "<p>report</p>").unwrap();
        std::fs::write(folder.join("a b/x.gr"), "0 1\n").unwrap();
        std::fs::write(folder.join(".hidden"), "secret").unwrap();
        std::fs::write(dir.path().join("outside.txt"), "secret").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(dir.path().join("outside.txt"), folder.join("link.txt")).unwrap();
        let server = PageServer::start(&folder, 0).unwrap();
        assert!(server.address.ip().is_loopback() && server.url().starts_with("http://127.0.0.1:"));
        let port = server.address.port();
        let get =
            |target: &str| ask(&server, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"));
        assert!(get("/").starts_with("HTTP/1.1 200 OK") && get("/").contains("live.json"));
        let page = get("/index.html");
        assert!(page.contains("text/html") && page.ends_with("<p>report</p>"), "{page}");
        server.tell(|state| (0..300).for_each(|line| state.say(format!("line {line}"))));
        let state = get("/live.json");
        assert!(state.contains("\"line 299\"") && !state.contains("\"line 99\""), "{state}");
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
        assert!(head.starts_with("HTTP/1.1 200 OK") && !head.contains("<html"), "{head}");
        // A request without an end is not kept.
        let endless = ask(&server, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(64 << 10)));
        assert!(!endless.starts_with("HTTP/1.1 200"), "{endless}");
        assert!(matches!(PageServer::start(&folder, port), Err(PageError { .. })));
        // More than are answered at once are sent away, and those that come after them are answered.
        let silent: Vec<_> = (0..40).map(|_| TcpStream::connect(server.address).unwrap()).collect();
        drop(silent);
        let answered = (0..50).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            get("/live.json").starts_with("HTTP/1.1 200 OK")
        });
        assert!(answered);
    }
}
