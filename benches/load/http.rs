//! HTTP as simple as it gets, over a connection that stays: one request, one answer, and how long that took.
//! Must not know what is asked.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// From the first octet sent to the last one read.
    pub(super) took: Duration,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(found, _)| found == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| error.to_string())
    }

    /// Itself, where it has this status.
    pub(super) fn expect(self, status: u16) -> Result<Self, String> {
        if self.status == status {
            return Ok(self);
        }
        let body = String::from_utf8_lossy(&self.body).into_owned();
        Err(format!(
            "answered {} instead of {status}: {body}",
            self.status
        ))
    }
}

/// A connection to one server.
pub(super) struct Connection {
    stream: TcpStream,
    host: String,
    token: Option<String>,
    read: Vec<u8>,
}

impl Connection {
    /// `host` is an address with a port.
    pub(super) fn open(host: &str) -> Result<Self, String> {
        let open = || {
            let stream = TcpStream::connect(host)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let stream = open().map_err(|error: std::io::Error| format!("{host}: {error}"))?;
        Ok(Self {
            stream,
            host: host.to_owned(),
            token: None,
            read: Vec::new(),
        })
    }

    /// Every request from now on carries this.
    pub(super) fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(super) fn get(&mut self, path: &str) -> Result<Answer, String> {
        let request = self.head("GET", path, &[]);
        self.send(request.as_bytes())
    }

    pub(super) fn get_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let request = self.head("GET", path, headers);
        self.send(request.as_bytes())
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Result<Answer, String> {
        let body = body.to_string();
        let length = body.len().to_string();
        let headers = [
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
        ];
        let request = self.head("POST", path, &headers) + &body;
        self.send(request.as_bytes())
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        if let Some(token) = &self.token {
            write!(head, "authorization: Bearer {token}\r\n").unwrap();
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head + "\r\n"
    }

    fn send(&mut self, request: &[u8]) -> Result<Answer, String> {
        let begun = Instant::now();
        let sent = self.stream.write_all(request);
        sent.map_err(|error| format!("while sending: {error}"))?;
        loop {
            if let Some((mut answer, used)) = parse(&self.read)? {
                self.read.drain(..used);
                answer.took = begun.elapsed();
                return Ok(answer);
            }
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => return Err("the connection was closed before the answer".to_owned()),
                Ok(length) => self.read.extend_from_slice(&piece[..length]),
                Err(error) => return Err(format!("while reading: {error}")),
            }
        }
    }
}

/// The first answer in these octets, and how many it takes; none while it isn't whole.
pub(super) fn parse(octets: &[u8]) -> Result<Option<(Answer, usize)>, String> {
    let Some(end) = octets.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&octets[..end]).map_err(|error| error.to_string())?;
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status: u16 = status_line
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| format!("no status line: {status_line}"))?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
        took: Duration::ZERO,
    };
    let rest = &octets[end + 4..];
    if answer.header("transfer-encoding") == Some("chunked") {
        return Ok(unchunk(rest).map(|(body, used)| {
            answer.body = body;
            (answer, end + 4 + used)
        }));
    }
    let length = match answer.header("content-length") {
        Some(length) => length.parse().map_err(|_| "a bad length".to_owned())?,
        None => 0,
    };
    if status == 304 || rest.len() >= length {
        let length = if status == 304 { 0 } else { length };
        answer.body = rest[..length].to_vec();
        return Ok(Some((answer, end + 4 + length)));
    }
    Ok(None)
}

fn unchunk(octets: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = octets[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&octets[at..at + line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        at += line + 2;
        let chunk = octets.get(at..at + size)?;
        body.extend_from_slice(chunk);
        octets.get(at + size..at + size + 2)?;
        at += size + 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}
