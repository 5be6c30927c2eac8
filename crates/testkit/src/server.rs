//! The server that the test databases of this process live on: a private throwaway one, or that of
//! `DATABASE_URL`.
//!
//! One thread owns it. It keeps a connection open for as long as the process lives, so that a private
//! server does not stop for want of clients, and hands out databases when asked: starting a server
//! blocks, and a database is given back where nothing can be awaited.

use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use pgdev::{PrivateServer, Settings};
use tokio::sync::oneshot;

use crate::clones::Clones;

/// How long a test waits for its database to be taken back.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a database is handed out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The schema, and partitions around [`crate::start`].
    Migrated,
    /// Nothing.
    Empty,
}

/// A database of this process's.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) name: String,
    pub(crate) url: String,
}

enum Job {
    Lend(Content, oneshot::Sender<anyhow::Result<Lent>>),
    TakeBack(String, mpsc::Sender<()>),
}

/// A database that no other test has.
pub(crate) async fn lend(content: Content) -> anyhow::Result<Lent> {
    let (answer, answered) = oneshot::channel();
    ask(Job::Lend(content, answer));
    answered
        .await
        .context("the keeper of the test databases is gone")?
}

/// Ends a test's use of its database, also while something of it is still connected; blocks until that
/// is done.
pub(crate) fn take_back(name: String) {
    let (done, is_done) = mpsc::channel();
    ask(Job::TakeBack(name, done));
    // Whether it is done or not: the test has passed or failed already.
    let _ = is_done.recv_timeout(PATIENCE);
}

fn ask(job: Job) {
    static JOBS: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let jobs = JOBS.get_or_init(|| {
        let (jobs, to_do) = mpsc::channel();
        std::thread::spawn(move || keep(&to_do));
        Mutex::new(jobs)
    });
    // A keeper that is gone answers by the channel in the job, which goes with it.
    let _ = jobs
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send(job);
}

fn keep(to_do: &mpsc::Receiver<Job>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime on this thread");
    let mut clones = locate().and_then(|url| runtime.block_on(Clones::open(url)));
    while let Ok(job) = to_do.recv() {
        match (job, &mut clones) {
            (Job::Lend(content, answer), Ok(clones)) => {
                drop(answer.send(runtime.block_on(clones.lend(content))));
            }
            (Job::Lend(_, answer), Err(error)) => drop(answer.send(Err(anyhow!("{error:#}")))),
            (Job::TakeBack(name, done), Ok(clones)) => {
                if let Err(error) = runtime.block_on(clones.take_back(&name)) {
                    tracing::warn!(error = &*error, name, "a test database was not taken back");
                }
                drop(done);
            }
            (Job::TakeBack(..), Err(_)) => {}
        }
    }
}

/// The URL of some database of the server, which is started first if it is ours.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but those of its surroundings"
)]
fn locate() -> anyhow::Result<String> {
    match std::env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => Ok(url),
        _ => {
            let server = PrivateServer::start(&Settings::throwaway("test"))
                .context("no server for the tests")?;
            Ok(server.url("postgres"))
        }
    }
}
