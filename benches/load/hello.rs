//! The limit of reading: a server of the same framework that answers one ready answer to whatever is asked. Must not know
//! what it answers. Runs as a process of its own, by our own program with another word.

use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};

use super::http::{Answer, Connection};
use super::process::{self, Guarded, Guarding};
use super::server::Server;

/// The first argument with which our program is this server.
pub(super) const WORD: &str = "hello";
const START_MAX: Duration = Duration::from_secs(10);
/// What the server adds by itself.
const OWN_HEADERS: [&str; 3] = ["content-length", "date", "connection"];

/// The running server.
pub(super) struct Hello {
    _guard: Guarded,
    pub(super) host: String,
}

impl Hello {
    /// Starts one that answers as this answer did.
    pub(super) fn start(server: &Server, answer: &Answer) -> Result<Self, String> {
        let folder = &server.directory;
        let (body, head) = (folder.join("hello.body"), folder.join("hello.head"));
        std::fs::write(&body, &answer.body).unwrap();
        let headers = answer.headers.iter();
        let headers = headers.filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str()));
        let lines: Vec<String> = headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        std::fs::write(&head, lines.join("\n")).unwrap();
        let host = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().to_string()
        };
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let words = [
            text(&std::env::current_exe().unwrap()),
            WORD.to_owned(),
            host.clone(),
            answer.status.to_string(),
            text(&head),
            text(&body),
        ];
        let guarding = Guarding {
            signal: "TERM",
            log: &folder.join("hello.log"),
            gone: None,
        };
        let guard = Guarded::start(Guarded::shell(), &guarding, &words);
        let ready = process::until(START_MAX, || Connection::open(&host).ok()?.get("/").ok());
        let ready = ready.ok_or("the server for comparison didn't start")?;
        if ready.status != answer.status || ready.body != answer.body {
            return Err("the server for comparison answers something else".to_owned());
        }
        Ok(Self {
            _guard: guard,
            host,
        })
    }
}

/// `address status file-of-headers file-of-body`
pub(super) fn serve(words: &[String]) {
    let [address, status, head, body] = words else {
        return;
    };
    let body = Bytes::from(std::fs::read(PathBuf::from(body)).unwrap());
    let status: u16 = status.parse().unwrap();
    let head = std::fs::read_to_string(head).unwrap();
    let headers: Vec<(String, String)> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let serving = async move {
        HttpServer::new(move || {
            let (body, headers) = (body.clone(), headers.clone());
            let answer = move || {
                let mut answer = HttpResponse::build(StatusCode::from_u16(status).unwrap());
                for (name, value) in &headers {
                    answer.append_header((name.as_str(), value.as_str()));
                }
                let answer = answer.body(body.clone());
                async move { answer }
            };
            App::new().default_service(web::to(answer))
        })
        .bind(address)
        .unwrap()
        .run()
        .await
    };
    actix_web::rt::System::new().block_on(serving).unwrap();
}
