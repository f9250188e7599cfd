//! The three processes of a gateway test: llavero, the gateway, and a service that tells what reaches it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder, header::HeaderMap};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const KEYS: &str = "/organizations/acme-corp/api-keys";

/// An answer, whoever gave it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A client, and the runtime that it needs.
struct Http {
    client: Client,
    runtime: Runtime,
}

impl Http {
    fn new() -> Self {
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30));
        Self {
            client: client.build().unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    fn send(&self, request: RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            Answer {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                body: response.text().await.unwrap(),
            }
        })
    }
}

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running llavero with the demo.
pub(crate) struct Llavero {
    api: String,
    address: String,
    token: String,
    http: Http,
    _process: Process,
    _directory: TempDir,
}

/// A key and its secret.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Llavero {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_llavero"))
            .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let listening = lines.next().unwrap();
        let api = listening.strip_prefix("listening on ").unwrap().to_owned();
        let token = lines.find(|line| line.starts_with("eyJ")).unwrap();
        Self {
            address: api["http://".len()..].split('/').next().unwrap().to_owned(),
            api,
            token,
            http: Http::new(),
            _process: Process(child),
            _directory: directory,
        }
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self
            .http
            .client
            .request(method, format!("{}{path}", self.api));
        let request = request.bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = self.http.send(request);
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    pub(crate) fn stats(&self) -> Value {
        self.ask(Method::GET, &format!("{KEYS}/stats"), None)
    }

    pub(crate) fn create(&self, settings: &Value) -> Key {
        let key = self.ask(Method::POST, KEYS, Some(settings));
        let text = |field: &str| key[field].as_str().unwrap().to_owned();
        Key {
            id: text("id"),
            secret: text("key"),
        }
    }

    pub(crate) fn revoke(&self, key: &Key) {
        self.ask(Method::DELETE, &format!("{KEYS}/{}", key.id), None);
    }
}

/// The service behind the gateway: responds with the request line, the headers and the body that it got, as JSON.
pub(crate) struct Upstream {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
        };
        let requests = Arc::clone(&upstream.requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                requests.fetch_add(1, Ordering::SeqCst);
                answer(stream.unwrap());
            }
        });
        upstream
    }
}

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = reader.by_ref().lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let request = first.rsplit_once(' ').unwrap().0;
    let mut seen = Map::from_iter([("request".to_owned(), json!(request))]);
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        seen.insert(name.to_lowercase(), json!(value));
    }
    let length = seen.get("content-length").and_then(Value::as_str);
    let mut sent = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut sent).unwrap();
    seen.insert("body".to_owned(), json!(String::from_utf8(sent).unwrap()));
    let body = Value::from(seen).to_string();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
}

/// A gateway in front of the upstream.
pub(crate) struct Gateway {
    address: SocketAddr,
    upstream: Upstream,
    http: Http,
    _process: Process,
    _directory: TempDir,
}

impl Gateway {
    /// nginx with `server` as its one server.
    pub(crate) fn nginx(server: &str, llavero: &Llavero, upstream: Upstream) -> Self {
        let server = server.replace("listen 8080", "listen LISTEN");
        let config = format!(
            "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
             client_body_temp_path body;\nproxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\n\
             uwsgi_temp_path uwsgi;\nscgi_temp_path scgi;\n{server}\n}}\n"
        );
        Self::start(&config, "nginx.conf", llavero, upstream, |directory| {
            let mut command = Command::new("nginx");
            command.args(["-p", directory, "-c", "nginx.conf", "-e", "stderr"]);
            command
        })
    }

    /// Caddy with `site` as its one site.
    pub(crate) fn caddy(site: &str, llavero: &Llavero, upstream: Upstream) -> Self {
        let site = site.replace(":8080 {", "http://LISTEN {");
        let config = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}\n");
        Self::start(&config, "Caddyfile", llavero, upstream, |directory| {
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]);
            command
                .arg(format!("{directory}/Caddyfile"))
                .env("HOME", directory);
            command
        })
    }

    fn start(
        config: &str,
        file: &str,
        llavero: &Llavero,
        upstream: Upstream,
        command: impl FnOnce(&str) -> Command,
    ) -> Self {
        let address = free_address();
        let config = config
            .replace("LISTEN", &address.to_string())
            .replace("127.0.0.1:3001", &llavero.address)
            .replace("127.0.0.1:9000", &upstream.address.to_string());
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(file), config).unwrap();
        let mut command = command(directory.path().to_str().unwrap());
        // What a gateway leaves behind must not hold a pipe of whoever runs the tests.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process(command.spawn().unwrap());
        while TcpStream::connect(address).is_err() {
            assert_eq!(
                process.0.try_wait().unwrap(),
                None,
                "the gateway did not start"
            );
            thread::yield_now();
        }
        Self {
            address,
            upstream,
            http: Http::new(),
            _process: process,
            _directory: directory,
        }
    }

    pub(crate) fn get(&self, path: &str, secret: Option<&str>) -> Answer {
        let headers: Vec<_> = secret.iter().map(|secret| ("X-API-Key", *secret)).collect();
        self.get_with(path, &headers)
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self
            .http
            .client
            .get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.http.send(request)
    }

    pub(crate) fn post(&self, path: &str, secret: &str, body: &str) -> Answer {
        let url = format!("http://{}{path}", self.address);
        let request = self.http.client.post(url).header("X-API-Key", secret);
        self.http.send(request.body(body.to_owned()))
    }

    pub(crate) fn upstream_requests(&self) -> usize {
        self.upstream.requests.load(Ordering::SeqCst)
    }
}

/// An address that nobody listens on now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
