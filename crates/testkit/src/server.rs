//! The server with the test databases of this process: a private throwaway server, or that of `DATABASE_URL`.
//!
//! One thread owns the server's connection, which stays open for as long as the process lives: a private server stops
//! when no client is connected. The thread lends databases, because starting a server blocks, and because a database
//! is returned in a destructor, where nothing can be awaited.

use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use pgdev::{PrivateServer, Settings};
use tokio::sync::oneshot;

use crate::clones::Clones;

/// The time that a test waits for its database to be taken back.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is in a database when it is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// The schema, with partitions around [`crate::start`].
    Migrated,
    /// No table at all.
    Empty,
}

/// A database that this process may use until it takes it back.
#[derive(Debug)]
pub(crate) struct LentDatabase {
    pub(crate) name: String,
    pub(crate) url: String,
}

enum Job {
    Lend(Content, oneshot::Sender<anyhow::Result<LentDatabase>>),
    TakeBack(String, mpsc::Sender<()>),
}

/// Lends a database that no other test has.
pub(crate) async fn lend(content: Content) -> anyhow::Result<LentDatabase> {
    let (answer, answered) = oneshot::channel();
    send_job(Job::Lend(content, answer));
    answered
        .await
        .context("the thread that lends test databases has ended")?
}

/// Takes a test's database back, even while tasks of the test are still connected to it. Blocks until that is done.
pub(crate) fn take_back(name: String) {
    let (done, is_done) = mpsc::channel();
    send_job(Job::TakeBack(name, done));
    // The outcome does not matter: the test has passed or failed already.
    let _ = is_done.recv_timeout(PATIENCE);
}

fn send_job(job: Job) {
    static JOBS: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let jobs = JOBS.get_or_init(|| {
        let (jobs, to_do) = mpsc::channel();
        std::thread::spawn(move || run_jobs(&to_do));
        Mutex::new(jobs)
    });
    // If the thread has ended, the job's channel is dropped with the job, which tells the one who waits.
    let _ = jobs
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send(job);
}

fn run_jobs(to_do: &mpsc::Receiver<Job>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime on this thread");
    let mut clones = locate_server().and_then(|url| runtime.block_on(Clones::open(url)));
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

/// Returns the URL of some database of the server. A private server is started first.
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no settings but those of its surroundings"
)]
fn locate_server() -> anyhow::Result<String> {
    match std::env::var("DATABASE_URL") {
        Ok(url) if !url.is_empty() => Ok(url),
        _ => {
            let server = PrivateServer::start(&Settings::throwaway("test"))
                .context("no server for the tests")?;
            Ok(server.url("postgres"))
        }
    }
}
