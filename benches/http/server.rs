//! The servers under test: child processes, which are killed when they are dropped.
//!
//! Used by the benchmark at its start. A server prints its address as its first line.

use std::{
    env,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    bare, minimal,
    process::{Process, listening},
    world,
};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Server {
    /// Starts the real binary with the benchmark's database. Its log goes to the null device.
    pub(crate) fn llavero(directory: &Path, flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llavero"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database"]);
        command.arg(directory.join("bench.db")).args(flags);
        Self::start(command)
    }

    /// Starts the baseline, which returns `body`.
    pub(crate) fn bare(body: &str) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.arg(bare::FLAG).env(bare::BODY, body);
        Self::start(command)
    }

    /// Starts the minimal server with the benchmark's database.
    fn minimal(directory: &Path, secret: &str) -> Self {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command
            .arg(minimal::FLAG)
            .env(minimal::DATABASE, directory.join("bench.db"))
            .env(minimal::SECRET, secret);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        command.stderr(Stdio::null());
        let mut process = Process::spawn(command);
        let (_, address) = listening(&process.next_line()).expect("a line with its address");
        Self {
            address,
            _process: process,
        }
    }
}

/// Starts the real binary with a new ES256 key. Returns it with a token that is signed with the key.
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

/// Starts the minimal server with a secret of its own. Returns it with a token that is signed with the secret.
pub(crate) fn minimal(directory: &Path) -> (Server, String) {
    const SECRET: &str = "a secret of thirty-two characters";
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &world::claims(), &key);
    (Server::minimal(directory, SECRET), token.expect("a token"))
}
