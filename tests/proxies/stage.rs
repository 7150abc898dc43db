//! The real program, and a real proxy with the shipped file in front of it, both on free ports. Must not know what is tested.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) const OWNER_PASSWORD: &str = "correct horse battery";
const HOST: &str = "comments.example.org";
/// How long a program may take to be there.
const STARTED_WITHIN: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Caddy,
}

/// A process that goes with the test, also with one that fails.
pub(crate) struct Program(pub(crate) Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A directory that goes with the test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Service and proxy; fields end in their order, the proxy first.
pub(crate) struct Stage {
    proxy: Program,
    service: Program,
    https: u16,
    http: u16,
    direct: u16,
    scratch: Scratch,
}

/// What came back, by way of curl.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A problem document in its documented form.
    pub(crate) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{self:?}");
        assert_eq!(problem["type"], format!("/problems/{code}"), "{self:?}");
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(
            problem["request_id"],
            self.header("x-request-id"),
            "{self:?}"
        );
        assert!(
            problem["title"].is_string() && problem["detail"].is_string(),
            "{self:?}"
        );
    }
}

impl Stage {
    pub(crate) fn set(kind: Proxy) -> Self {
        let scratch = scratch();
        let [https, http, direct] = free_ports();
        certificate(&scratch.0);
        let service = service(&scratch.0, direct, https);
        let proxy = match kind {
            Proxy::Nginx => nginx(&scratch.0, [https, http, direct]),
            Proxy::Caddy => caddy(&scratch.0, [https, http, direct]),
        };
        let mut stage = Self {
            proxy,
            service,
            https,
            http,
            direct,
            scratch,
        };
        stage.await_readiness();
        stage
    }

    fn await_readiness(&mut self) {
        let deadline = Instant::now() + STARTED_WITHIN;
        loop {
            // Which of the two isn't there yet doesn't matter.
            let answer = self.try_curl("127.0.0.1", "/readyz", &[]);
            if answer.is_some_and(|answer| answer.status == 200) {
                return;
            }
            let ended = [&mut self.proxy, &mut self.service]
                .into_iter()
                .any(|program| program.0.try_wait().unwrap().is_some());
            assert!(
                !ended && Instant::now() < deadline,
                "not there: {}",
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn logs(&self) -> String {
        ["service.log", "proxy.log"]
            .map(|name| fs::read_to_string(self.scratch.0.join(name)).unwrap_or_default())
            .join("\n")
    }

    /// A request through the proxy, from this address of the machine's loopback network.
    pub(crate) fn ask(&self, from: &str, path: &str, more: &[&str]) -> Answer {
        self.try_curl(from, path, more)
            .unwrap_or_else(|| panic!("no answer for {path}: {}", self.logs()))
    }

    fn try_curl(&self, from: &str, path: &str, more: &[&str]) -> Option<Answer> {
        let output = self
            .curl(from, path)
            .arg("--include")
            .args(more)
            .output()
            .unwrap();
        // An answer that came before the whole body was sent (413) counts, however sending ended.
        read(&String::from_utf8_lossy(&output.stdout))
    }

    /// curl, about to ask through the proxy.
    pub(crate) fn curl(&self, from: &str, path: &str) -> Command {
        let mut curl = self.bare_curl();
        curl.args(["--interface", from, "--resolve"])
            .arg(format!("{HOST}:{}:127.0.0.1", self.https))
            .arg("--cacert")
            .arg(self.scratch.0.join("cert.pem"))
            .arg(format!("https://{HOST}:{}{path}", self.https));
        curl
    }

    /// What the unencrypted port says.
    pub(crate) fn unencrypted(&self, path: &str) -> Answer {
        let mut curl = self.bare_curl();
        curl.arg("--include")
            .args(["--header", &format!("Host: {HOST}")]);
        let output = curl
            .arg(format!("http://127.0.0.1:{}{path}", self.http))
            .output()
            .unwrap();
        read(&String::from_utf8_lossy(&output.stdout)).unwrap()
    }

    fn bare_curl(&self) -> Command {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--noproxy",
            "*",
        ])
        .current_dir(&self.scratch.0)
        .stdin(Stdio::null());
        curl
    }

    /// A reader's comment, unlike all others.
    pub(crate) fn submit(&self, from: &str, more: &[&str]) -> Answer {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let comment = json!({
            "page_url": "https://example.org/tides", "name": "Ada",
            "email": format!("ada{number}@example.org"), "body": format!("number {number}"),
        });
        let mut arguments = vec!["--json", "PLACE"];
        let text = comment.to_string();
        arguments[1] = &text;
        arguments.extend(more);
        self.ask(from, "/api/v1/comments", &arguments)
    }

    /// The value of `Authorization` of the owner's session.
    pub(crate) fn sign_in(&self) -> String {
        let credentials = json!({ "email": "owner@localhost", "password": OWNER_PASSWORD });
        let answer = self.ask(
            "127.0.0.1",
            "/api/v1/admin/sessions",
            &["--json", &credentials.to_string()],
        );
        assert_eq!(answer.status, 201, "{answer:?}");
        format!(
            "Authorization: Bearer {}",
            answer.json()["token"].as_str().unwrap()
        )
    }

    /// A file for curl to send.
    pub(crate) fn file(&self, name: &str, content: &str) {
        fs::write(self.scratch.0.join(name), content).unwrap();
    }

    /// SIGKILL; nothing listens on the service's port afterwards.
    pub(crate) fn kill_service(&mut self) {
        self.service.0.kill().unwrap();
        self.service.0.wait().unwrap();
        assert!(std::net::TcpStream::connect(("127.0.0.1", self.direct)).is_err());
    }
}

fn scratch() -> Scratch {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("rejoinder-proxies-{}-{count}", std::process::id());
    let path = std::env::temp_dir().join(name);
    fs::create_dir(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Scratch(path)
}

/// Held all together before any is let go, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn certificate(directory: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args([
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .args([
            "-subj",
            &format!("/CN={HOST}"),
            "-addext",
            &format!("subjectAltName=DNS:{HOST}"),
        ])
        .current_dir(directory)
        .output()
        .expect("openssl is missing: install it (Debian, Ubuntu: apt-get install openssl)");
    assert!(made.status.success(), "{made:?}");
}

fn service(directory: &Path, port: u16, https: u16) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rejoinder"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("REJOINDER_LISTEN", format!("127.0.0.1:{port}"))
        .env("REJOINDER_PUBLIC_URL", format!("https://{HOST}:{https}"))
        .env("REJOINDER_SITE_ORIGINS", "https://example.org")
        .env("REJOINDER_TRUSTED_PROXIES", "127.0.0.1")
        .env("REJOINDER_ADMIN_PASSWORD", OWNER_PASSWORD);
    spawn(command, directory, "service.log")
}

fn nginx(directory: &Path, [https, http, direct]: [u16; 3]) -> Program {
    let place = directory.display();
    let mut shipped = include_str!("../../deploy/nginx.conf").to_owned();
    for (from, to) in [
        ("listen 80;", format!("listen 127.0.0.1:{http};")),
        ("listen [::]:80;", String::new()),
        (
            "listen 443 ssl http2;",
            format!("listen 127.0.0.1:{https} ssl http2;"),
        ),
        ("listen [::]:443 ssl http2;", String::new()),
        ("/var/cache/nginx/rejoinder", format!("{place}/cache")),
        (
            "/etc/letsencrypt/live/comments.example.org/fullchain.pem",
            format!("{place}/cert.pem"),
        ),
        (
            "/etc/letsencrypt/live/comments.example.org/privkey.pem",
            format!("{place}/key.pem"),
        ),
        (
            "server 127.0.0.1:8080;",
            format!("server 127.0.0.1:{direct};"),
        ),
    ] {
        shipped = replaced(&shipped, from, &to);
    }
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {place}/{kind};"))
        .join("\n");
    // As root the workers would be an account that can't write there; for others the line is without effect.
    let whole = format!(
        "user root;\npid {place}/nginx.pid;\nerror_log {place}/proxy.log;\nworker_processes 1;\n\
         events {{ worker_connections 256; }}\nhttp {{\naccess_log off;\n{temporary}\n{shipped}\n}}\n"
    );
    fs::write(directory.join("nginx.conf"), whole).unwrap();
    let mut command = Command::new("nginx");
    command
        .args(["-e", "proxy.log", "-g", "daemon off;", "-p"])
        .arg(directory)
        .arg("-c")
        .arg(directory.join("nginx.conf"));
    spawn(command, directory, "proxy.log")
}

fn caddy(directory: &Path, [https, http, direct]: [u16; 3]) -> Program {
    let place = directory.display();
    let shipped = include_str!("../../deploy/Caddyfile");
    let shipped = replaced(
        shipped,
        "reverse_proxy 127.0.0.1:8080 {",
        &format!("reverse_proxy 127.0.0.1:{direct} {{"),
    );
    let shipped = replaced(
        &shipped,
        &format!("\n{HOST} {{"),
        &format!("\n{HOST}:{https} {{\n\ttls {place}/cert.pem {place}/key.pem"),
    );
    let whole = format!(
        "{{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\thttp_port {http}\n\thttps_port {https}\n}}\n{shipped}"
    );
    fs::write(directory.join("Caddyfile"), whole).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"])
        .env("HOME", directory)
        .env("XDG_DATA_HOME", directory)
        .env("XDG_CONFIG_HOME", directory);
    spawn(command, directory, "proxy.log")
}

/// What the shipped file must contain, so that a change of it isn't overlooked here.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(
        text.contains(from),
        "the shipped file has no `{from}` any more"
    );
    text.replacen(from, to, 1)
}

fn spawn(mut command: Command, directory: &Path, log: &str) -> Program {
    let log = fs::File::create(directory.join(log)).unwrap();
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    match command.spawn() {
        Ok(child) => Program(child),
        Err(cause) => panic!("{program} can't be started ({cause}): install it"),
    }
}

/// The last head in what curl prints, and what follows it; none where there was no answer.
fn read(text: &str) -> Option<Answer> {
    let mut rest = text;
    loop {
        let (head, body) = rest.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        if status == 100 {
            rest = body;
            continue;
        }
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        return Some(Answer {
            status,
            headers,
            body: body.to_owned(),
        });
    }
}
