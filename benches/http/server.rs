//! The servers under test: child processes that say where they listen, and end with the benchmark.

use std::{
    env,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{bare, world};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    process: Child,
}

impl Server {
    /// The real binary on the benchmark's database. Its log is written, and thrown away by the system.
    pub(crate) fn llavero(directory: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llavero"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database"]);
        command.arg(directory.join("bench.db")).args(flags);
        Self::start(command)
    }

    /// The yardstick, returning `body`.
    pub(crate) fn bare(body: &str) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.arg(bare::FLAG).env(bare::BODY, body);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a server that starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let address = line
            .trim()
            .strip_prefix("listening on http://")
            .and_then(|url| url.split('/').next()?.parse().ok());
        Self {
            address: address.expect("an address"),
            process,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The real binary, trusting an ES256 key that is made here, and a token signed with it.
pub(crate) fn with_es256(directory: &Path) -> (Server, String) {
    use aws_lc_rs::{
        encoding::{AsDer, PublicKeyX509Der},
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair");
    let private = pair.to_pkcs8v1().expect("its private half");
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).expect("its public half");
    let path = directory.join("public.pem");
    let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", public.as_ref()));
    std::fs::write(&path, pem).expect("a file");

    let key = jsonwebtoken::EncodingKey::from_ec_der(private.as_ref());
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
    let token = jsonwebtoken::encode(&header, &world::claims(), &key).expect("a token");
    let path = path.to_str().expect("a path in UTF-8");
    (
        Server::llavero(directory, &["--jwt-public-key", path]),
        token,
    )
}
