//! Starting a server, or attaching to one that runs.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::binaries::Binaries;
use crate::cluster;
use crate::layout::Layout;
use crate::lock;
use crate::server::PrivateServer;
use crate::settings::Settings;
use crate::start_error::StartError;
use crate::watchdog::{self, Watchdog};

const BETWEEN_TRIES: Duration = Duration::from_millis(30);

/// The time that a start may take, also that of another process, `initdb` and crash recovery included.
const PATIENCE: Duration = Duration::from_secs(90);

/// The time that the watchdog of a former server may take to end; it usually takes half a second.
const WATCHDOG_PATIENCE: Duration = Duration::from_secs(10);

/// The number of lines from the end of the log that an error shows.
const LOG_LINES: usize = 20;

impl PrivateServer {
    /// Starts the server, or attaches to the server that another process started with the same settings. Returns when
    /// the server answers queries; the caller then has [`Settings::linger`] to connect. Blocks for 1 to 3 s if there is
    /// no data yet, and for a tenth of a second otherwise.
    ///
    /// # Errors
    /// See [`StartError`]. A server that fails to start is noticed when its process ends.
    pub fn start(settings: &Settings) -> Result<Self, StartError> {
        if !settings.has_plain_name() {
            return Err(StartError::Name(settings.name.clone()));
        }
        let binaries = Binaries::find()?;
        let account = Account::current()
            .map_err(StartError::io("run", Path::new("id")))?
            .ok_or(StartError::NoAccount)?;
        let layout = Layout::prepare(settings, binaries.major, &account)?;
        let server = Self {
            layout,
            binaries,
            account,
        };
        let _turn = take(&server.layout.start_lock(), PATIENCE)?;
        if !server.attach(settings)? {
            server.launch(settings)?;
        }
        Ok(server)
    }

    /// Attaches to a running server; `false` if there is none, or if it ended meanwhile.
    fn attach(&self, settings: &Settings) -> Result<bool, StartError> {
        let layout = &self.layout;
        let since = Instant::now();
        self.announce()?;
        while self.holds_lock()? {
            let unwatched = lock::try_take(&layout.watchdog_lock())
                .map_err(StartError::io("lock", &layout.watchdog_lock()))?;
            // Looked at after the announcement, for the reason that stands in watchdog.sh. The mark of a watchdog that
            // has died means nothing.
            let is_stopping =
                unwatched.is_none() && fs::symlink_metadata(layout.stopping_mark()).is_ok();
            if !is_stopping && self.answers() {
                if let Some(lock) = unwatched {
                    let adopted = self.watchdog(settings).adopt(lock);
                    watchdog::reap(
                        adopted.map_err(StartError::io("run", &layout.watchdog_script()))?,
                    );
                }
                return Ok(true);
            }
            if since.elapsed() > PATIENCE {
                return Err(self.not_ready());
            }
            thread::sleep(BETWEEN_TRIES);
        }
        Ok(false)
    }

    /// Starts a server where none runs, and waits until it answers.
    fn launch(&self, settings: &Settings) -> Result<(), StartError> {
        let layout = &self.layout;
        let server_lock = take(&layout.server_lock(), WATCHDOG_PATIENCE)?;
        cluster::prepare(
            layout,
            &self.binaries,
            &self.account,
            settings.durability,
            &server_lock,
        )?;
        // The former watchdog ends when it sees that the pid file is gone.
        let watchdog_lock = take(&layout.watchdog_lock(), WATCHDOG_PATIENCE)?;
        self.keep_last_log()?;
        let mut watchdog = self
            .watchdog(settings)
            .run(watchdog_lock, server_lock)
            .map_err(StartError::io("run", &layout.watchdog_script()))?;
        let ready = self.await_readiness(&mut watchdog);
        watchdog::reap(watchdog);
        if let Err(StartError::NotReady { .. }) = ready {
            // The error says what matters; that the server could not be stopped either adds nothing.
            let _ = self.shut_down();
        }
        ready?;
        self.announce()
    }

    fn await_readiness(&self, watchdog: &mut Child) -> Result<(), StartError> {
        let since = Instant::now();
        loop {
            let ended = watchdog.try_wait();
            if let Some(status) = ended.map_err(StartError::io("wait for", &self.layout.log()))? {
                let log = self.end_of_log();
                return Err(StartError::Exited { status, log });
            }
            if self.answers() {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                return Err(self.not_ready());
            }
            thread::sleep(BETWEEN_TRIES);
        }
    }

    fn watchdog<'a>(&'a self, settings: &'a Settings) -> Watchdog<'a> {
        Watchdog {
            layout: &self.layout,
            binaries: &self.binaries,
            account: &self.account,
            settings,
        }
    }

    /// Tells the watchdog to begin to count idle seconds anew. Only the holder of the start lock writes the file.
    fn announce(&self) -> Result<(), StartError> {
        let path = self.layout.attachments();
        let before = fs::read_to_string(&path).unwrap_or_default();
        let count = before
            .trim()
            .parse()
            .map_or(0_u64, |count: u64| count.wrapping_add(1));
        watchdog::replace(&path, &format!("{count}\n")).map_err(StartError::io("write", &path))
    }

    fn holds_lock(&self) -> Result<bool, StartError> {
        self.is_running()
            .map_err(StartError::io("lock", &self.layout.server_lock()))
    }

    fn keep_last_log(&self) -> Result<(), StartError> {
        let log = self.layout.log();
        match fs::rename(&log, log.with_extension("old")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StartError::io("rename", &log)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn not_ready(&self) -> StartError {
        StartError::NotReady {
            seconds: PATIENCE.as_secs(),
            log: self.end_of_log(),
        }
    }

    fn end_of_log(&self) -> String {
        let log = fs::read(self.layout.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

fn take(path: &Path, patience: Duration) -> Result<fs::File, StartError> {
    lock::take_within(path, patience)
        .map_err(StartError::io("lock", path))?
        .ok_or_else(|| StartError::Busy {
            path: path.to_owned(),
        })
}
