//! A directory with one server, which goes with the test, and ways to look at that server from outside.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pgdev::{PrivateServer, Settings};

pub struct Place {
    pub directory: PathBuf,
    pub settings: Settings,
    started: RefCell<Option<PrivateServer>>,
}

impl Place {
    pub fn throwaway(name: &str) -> Self {
        Self::of(Settings::throwaway(name))
    }

    pub fn durable(name: &str) -> Self {
        Self::of(Settings::durable(name))
    }

    fn of(settings: Settings) -> Self {
        let name = format!("pgdev-{}-{}", std::process::id(), settings.name);
        let directory = std::env::temp_dir().join(name);
        let settings = Settings {
            data_dir: Some(directory.clone()),
            ..settings
        };
        let started = RefCell::new(None);
        Self {
            directory,
            settings,
            started,
        }
    }

    pub fn lingering(mut self, linger: Duration) -> Self {
        self.settings.linger = linger;
        self
    }

    pub fn start(&self) -> PrivateServer {
        let server = PrivateServer::start(&self.settings).expect("the server starts");
        self.started.replace(Some(server.clone()));
        server
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(server) = self.started.take() {
            let _ = server.stop();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The only value of a query's answer.
pub fn query(server: &PrivateServer, statement: &str) -> String {
    let answer = server
        .psql("postgres")
        .args(["-c", statement])
        .output()
        .expect("psql runs");
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{statement}: {said}");
    String::from_utf8_lossy(&answer.stdout).trim().to_owned()
}

/// A client within a statement that does not end by itself while the test runs.
pub fn client(server: &PrivateServer) -> Child {
    let client = server
        .psql("postgres")
        .args(["-c", "select pg_sleep(600)"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("psql runs");
    until("the client is connected", || {
        query(
            server,
            "select count(*) from pg_stat_activity where wait_event = 'PgSleep'",
        ) != "0"
    });
    client
}

pub fn postmaster(server: &PrivateServer) -> String {
    query(
        server,
        r"select split_part(pg_read_file('postmaster.pid'), E'\n', 1)",
    )
}

pub fn parent_of(process: &str) -> String {
    let answer = Command::new("ps")
        .args(["-o", "ppid=", "-p", process])
        .output()
        .expect("ps runs");
    String::from_utf8_lossy(&answer.stdout).trim().to_owned()
}

/// Whether there is such a process to get the signal.
pub fn signal(signal: &str, process: &str) -> bool {
    let number: u32 = process.parse().expect("the number of a process");
    Command::new("kill")
        .args([signal, &number.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("kill runs")
        .success()
}

/// Ends one process, at once, and returns when it is gone.
pub fn kill(process: &str) {
    assert!(signal("-KILL", process), "{process} was there");
    until("the killed process is gone", || !signal("-0", process));
}

pub fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output().expect("id runs");
    answer.stdout == b"0\n"
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(30), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn is_gone(server: &PrivateServer) -> bool {
    !server.is_running().expect("the lock file can be opened")
}
