//! A program that runs, with what it has said so far.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Names of settings that the surroundings of the tests may have.
const SETTINGS: [&str; 20] = [
    "DATABASE_URL",
    "PROFILE",
    "LISTEN",
    "METRICS_LISTEN",
    "LOG",
    "OTLP_ENDPOINT",
    "SCHEDULER",
    "EVENTBRIDGE_GROUP",
    "EVENTBRIDGE_BUS_ARN",
    "EVENTBRIDGE_ROLE_ARN",
    "EVENTBRIDGE_DLQ_ARN",
    "EVENTBRIDGE_REGION",
    "EVENTBRIDGE_ENDPOINT_URL",
    "AUTH_ISSUER",
    "AUTH_JWKS_URL",
    "AUTH_CLIENT_IDS",
    "AUTH_AUDIENCE",
    "PROVIDER_ALLOWED_HOSTS",
    "PROVIDER_CREDENTIALS_DIR",
    "TRIGGER_PRECISION_SECONDS",
];
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A child process of this test; it is killed when the test is done with it.
pub struct Running {
    child: Child,
    said: Said,
    complained: Said,
}

/// Lines of a stream, as they come.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn listen(&self, stream: impl Read + Send + 'static) {
        let lines = Arc::clone(&self.0);
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lines
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
    }

    pub fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn is_about(&self, words: &str) -> bool {
        self.lines().iter().any(|line| line.contains(words))
    }
}

impl Running {
    /// Starts a program, with none of the settings of the test's own surroundings.
    pub fn start(command: &mut Command) -> Self {
        Self::with_stdin(command, Stdio::null())
    }

    /// The same with settings of the story's.
    pub fn start_with<'a>(
        command: &mut Command,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self::start(command.envs(settings))
    }

    /// Starts a program that ends when its standard input does: it does not outlive this process,
    /// whatever ends that.
    pub fn tethered(command: &mut Command) -> Self {
        Self::with_stdin(command, Stdio::piped())
    }

    fn with_stdin(command: &mut Command, stdin: Stdio) -> Self {
        let given: Vec<OsString> = command
            .get_envs()
            .filter_map(|(name, value)| value.map(|_| name.to_owned()))
            .collect();
        for name in SETTINGS {
            if !given.iter().any(|given| given == name) {
                command.env_remove(name);
            }
        }
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a program that was just built");
        let (said, complained) = (Said::default(), Said::default());
        said.listen(child.stdout.take().expect("a pipe"));
        complained.listen(child.stderr.take().expect("a pipe"));
        Self {
            child,
            said,
            complained,
        }
    }

    /// Waits until it has said something, and answers all that it has said.
    pub fn has_said(&mut self, words: &str, patience: Duration) -> Vec<String> {
        let since = Instant::now();
        while !self.said.is_about(words) {
            let ended = self.child.try_wait().expect("our child");
            // What it said last may still be on its way.
            if ended.is_some() && since.elapsed() > Duration::from_secs(1)
                || since.elapsed() > patience
            {
                panic!(
                    "it did not say {words:?} ({ended:?}):\n{:#?}\n{:#?}",
                    self.said.lines(),
                    self.complained.lines()
                );
            }
            thread::sleep(BETWEEN_LOOKS);
        }
        self.said.lines()
    }

    /// What it has written to stdout.
    pub fn words(&self) -> Vec<String> {
        self.said.lines()
    }

    /// What it wrote to stderr, empty lines aside.
    pub fn complaints(&self) -> Vec<String> {
        self.complained
            .lines()
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .collect()
    }

    /// Sends a signal by name, to this process alone.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(
            sent.expect("kill").success(),
            "no process to send {name} to"
        );
    }

    /// Waits for its end.
    pub fn ends_within(&mut self, patience: Duration) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("our child") {
                // The pipes are read to their ends by others.
                thread::sleep(BETWEEN_LOOKS * 5);
                return status;
            }
            assert!(
                since.elapsed() <= patience,
                "still running after {patience:?}:\n{:#?}\n{:#?}",
                self.said.lines(),
                self.complained.lines()
            );
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
