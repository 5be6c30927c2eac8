//! Runs a command with `DATABASE_URL` naming a fresh, migrated database on a private throwaway server:
//!
//! ```sh
//! cargo run -p pgdev --example with_postgres -- --name NAME --migrations DIR -- COMMAND ARGS…
//! ```
//!
//! `NAME` names the server, so that other runs find it up; `--data-dir DIR` puts it elsewhere than usual. Exits with the command's code, 128 and the signal's number if
//! a signal ended it, and 2 if it was not run. The migrations leave no trace of sqlx's in the database: never run its
//! `Migrator` on it.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use pgdev::{PrivateServer, Settings};

const USAGE: &str = "with_postgres --name NAME [--data-dir DIR] --migrations DIR -- COMMAND ARGS…";

type Failure = Box<dyn Error>;

struct Order {
    settings: Settings,
    migrations: PathBuf,
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("with_postgres: {failure}");
            let mut cause = failure.source();
            while let Some(deeper) = cause {
                eprintln!("  because: {deeper}");
                cause = deeper.source();
            }
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<u8, Failure> {
    let order = parse(env::args_os().skip(1)).ok_or(USAGE)?;
    let server = PrivateServer::start(&order.settings)?;
    let database = format!("with_postgres_{}", std::process::id());
    // One of a process that had our number and was killed may still be there.
    drop_database(&server, &database)?;
    server.ensure_database(&database)?;

    let done = migrate(&server, &database, &order.migrations)
        .and_then(|()| execute(&order.command, &server.url(&database)));
    let dropped = drop_database(&server, &database);
    let code = done?;
    dropped?;
    Ok(code)
}

fn parse(mut arguments: impl Iterator<Item = OsString>) -> Option<Order> {
    let (mut name, mut data_dir, mut migrations) = (None, None, None);
    loop {
        match arguments.next()?.to_str()? {
            "--name" => name = Some(arguments.next()?.into_string().ok()?),
            "--data-dir" => data_dir = Some(arguments.next()?.into()),
            "--migrations" => migrations = Some(arguments.next()?.into()),
            "--" => break,
            _ => return None,
        }
    }
    let command: Vec<_> = arguments.collect();
    Some(Order {
        settings: Settings {
            data_dir,
            // The command may work for minutes before it first connects.
            linger: Duration::from_mins(20),
            ..Settings::throwaway(name?)
        },
        migrations: migrations?,
        command: (!command.is_empty()).then_some(command)?,
    })
}

fn migrate(server: &PrivateServer, database: &str, directory: &Path) -> Result<(), Failure> {
    let unreadable = |error: io::Error| format!("cannot read {}: {error}", directory.display());
    let mut files = fs::read_dir(directory)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<Vec<PathBuf>>>()
        })
        .map_err(unreadable)?;
    files.retain(|file| {
        let name = file.to_string_lossy();
        name.ends_with(".sql") && !name.ends_with(".down.sql")
    });
    files.sort();
    for file in files {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        apply(server, database, &file).map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Each file is one transaction, unless its first line says otherwise, as with sqlx.
fn apply(server: &PrivateServer, database: &str, file: &Path) -> Result<(), Failure> {
    let mut first_line = String::new();
    BufReader::new(File::open(file)?).read_line(&mut first_line)?;

    let mut psql = server.psql(database);
    if !first_line.starts_with("-- no-transaction") {
        psql.arg("--single-transaction");
    }
    // As its input, since the server's user may not be allowed to open it.
    let status = psql
        .args(["-f", "-"])
        .stdin(File::open(file)?)
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("psql could not apply it".into())
    }
}

fn execute(command: &[OsString], url: &str) -> Result<u8, Failure> {
    let (program, arguments) = command.split_first().ok_or(USAGE)?;
    let status = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", url)
        .status()
        .map_err(|error| format!("cannot run {}: {error}", program.to_string_lossy()))?;
    Ok(code_of(status))
}

fn code_of(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}

fn drop_database(server: &PrivateServer, database: &str) -> Result<(), Failure> {
    let statement = format!("drop database if exists {database} with (force)");
    let status = server
        .psql("postgres")
        .args(["-c", "set client_min_messages = warning", "-c", &statement])
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("database {database} could not be dropped").into())
    }
}
