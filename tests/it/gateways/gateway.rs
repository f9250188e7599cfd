//! The three processes of a gateway test: llavero, the gateway, and a service that echoes its requests.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use reqwest::Method;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::support::{Answer, Api, KEYS_PATH, KillOnDrop, STATS_PATH, Server, TestDir};

/// A running llavero with the demo.
pub(crate) struct Llavero {
    server: Server,
    api: Api,
    _directory: TestDir,
}

/// A key and its secret.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Llavero {
    pub(crate) fn start() -> Self {
        let directory = TestDir::new();
        let mut server = directory.serve(&["--demo"]);
        let token = loop {
            let line = server.next_line();
            assert_ne!(line, "", "no token was printed");
            if line.starts_with("eyJ") {
                break line;
            }
        };
        Self {
            api: server.api(token.trim_end()),
            server,
            _directory: directory,
        }
    }

    pub(crate) fn stats(&self) -> Value {
        self.api.get(STATS_PATH).json()
    }

    pub(crate) fn create(&self, settings: &Value) -> Key {
        let key = self.api.post(KEYS_PATH, settings).json();
        let text = |field: &str| key[field].as_str().unwrap().to_owned();
        Key {
            id: text("id"),
            secret: text("key"),
        }
    }

    pub(crate) fn revoke(&self, key: &Key) {
        self.api.delete(&format!("{KEYS_PATH}/{}", key.id)).json();
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
    upstream: Upstream,
    client: Api,
    _process: KillOnDrop,
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
            .replace("127.0.0.1:3001", &llavero.server.address.to_string())
            .replace("127.0.0.1:9000", &upstream.address.to_string());
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(file), config).unwrap();
        let mut command = command(directory.path().to_str().unwrap());
        // A process that outlives the gateway must not hold the pipes of the test runner.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = KillOnDrop(command.spawn().unwrap());
        while TcpStream::connect(address).is_err() {
            assert_eq!(
                process.0.try_wait().unwrap(),
                None,
                "the gateway did not start"
            );
            thread::yield_now();
        }
        Self {
            upstream,
            client: Api::new(&format!("http://{address}"), None),
            _process: process,
            _directory: directory,
        }
    }

    pub(crate) fn get(&self, path: &str, secret: Option<&str>) -> Answer {
        let headers: Vec<_> = secret.iter().map(|secret| ("X-API-Key", *secret)).collect();
        self.get_with(path, &headers)
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.send(request)
    }

    pub(crate) fn post(&self, path: &str, secret: &str, body: &str) -> Answer {
        let request = self.client.request(Method::POST, path);
        let request = request.header("X-API-Key", secret);
        self.client.send(request.body(body.to_owned()))
    }

    pub(crate) fn upstream_requests(&self) -> usize {
        self.upstream.requests.load(Ordering::SeqCst)
    }
}

/// A free address.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
