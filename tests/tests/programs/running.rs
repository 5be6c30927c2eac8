//! A program that runs, with what it has written so far.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
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
/// Far beyond what anything takes on a busy machine; only a failure waits this long. How fast something
/// is, is measured by the benchmark and claimed by no story.
pub const PATIENCE: Duration = Duration::from_mins(3);
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A child process of this test; it is killed when the test is done with it.
pub struct Running {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// One output stream of a program, read line by line as it comes.
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Output {
    fn read(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(line);
            }
        });
        Self { lines, reader }
    }

    fn lines(&self) -> Vec<String> {
        self.lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the program has closed the stream and all of it has been read.
    fn is_at_its_end(&self) -> bool {
        self.reader.is_finished()
    }
}

impl Running {
    /// Starts a program, with none of the settings of the test's own surroundings.
    pub fn start(command: &mut Command) -> Self {
        Self::with_stdin(command, Stdio::null())
    }

    /// Starts a program with settings of the story's.
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
        Self {
            stdout: Output::read(child.stdout.take().expect("a pipe")),
            stderr: Output::read(child.stderr.take().expect("a pipe")),
            child,
        }
    }

    /// Waits until a line of stdout has these words; returns what follows them in that line.
    pub fn wait_for_line(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Looked at before the lines are: a program that has ended writes nothing more.
            let no_more = self.stdout.is_at_its_end();
            let lines = self.stdout.lines();
            if let Some((_, rest)) = lines.iter().find_map(|line| line.split_once(words)) {
                return rest.trim().to_owned();
            }
            assert!(
                !no_more && Instant::now() < deadline,
                "it did not write {words:?}:\n{lines:#?}\n{:#?}",
                self.stderr.lines()
            );
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Waits until an instance serves; returns its address, `http://…`.
    pub fn wait_until_serving(&mut self) -> String {
        format!("http://{}", self.wait_for_line("serves http://"))
    }

    /// Returns what it has written to stdout.
    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lines()
    }

    /// Returns what it has written to stderr, empty lines aside.
    pub fn stderr(&self) -> Vec<String> {
        let mut lines = self.stderr.lines();
        lines.retain(|line| !line.trim().is_empty());
        lines
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

    /// Waits for its end, and for the last line that it wrote.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.child.try_wait().expect("our child");
            if let Some(status) = ended
                && self.stdout.is_at_its_end()
                && self.stderr.is_at_its_end()
            {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still running, or its streams still open ({ended:?}):\n{:#?}\n{:#?}",
                self.stdout.lines(),
                self.stderr.lines()
            );
            thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Kills it as nothing can prevent, and waits until it is gone. Its streams may be held open by
    /// processes that it left behind.
    pub fn kill_9(&mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("our child").is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
