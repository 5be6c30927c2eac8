//! A database that cannot be had is named without its password.

use std::process::Command;

use super::IN_DATABASE_URL;
use crate::built::program;
use crate::dev::Place;
use crate::running::Running;

#[test]
fn a_database_url_that_leads_nowhere_is_refused_without_its_password() {
    for url in [
        format!("postgres://core:{IN_DATABASE_URL}@127.0.0.1:1/telematics"),
        format!("postgres://core:{IN_DATABASE_URL}@127.0.0.1:port/telematics"),
        format!("postgres://core:{IN_DATABASE_URL}@[::1/telematics"),
        format!("mysql://core:{IN_DATABASE_URL}@127.0.0.1/telematics"),
        format!("postgres://core@127.0.0.1:1/telematics?password={IN_DATABASE_URL}"),
        format!("postgres://core@127.0.0.1:1/telematics?sslmode={IN_DATABASE_URL}"),
        format!("postgres://core@127.0.0.1:1/telematics?{IN_DATABASE_URL}=1"),
        format!("core:{IN_DATABASE_URL}"),
        format!("[{IN_DATABASE_URL}]"),
        format!("{{password={IN_DATABASE_URL}}}"),
        format!("\"{IN_DATABASE_URL}"),
    ] {
        for command in ["serve", "migrate"] {
            let place = Place::new();
            let mut core = Command::new(program("bf-manage-core"));
            core.current_dir(place.file("")).arg(command);
            let mut refused = Running::start_with(
                &mut core,
                [
                    ("PROFILE", "dev"),
                    ("LISTEN", "127.0.0.1:0"),
                    ("LOG", "trace"),
                    ("DATABASE_URL", url.as_str()),
                ],
            );
            assert!(!refused.wait_for_exit().success());
            for line in refused.stderr().iter().chain(&refused.stdout()) {
                assert!(!line.contains(IN_DATABASE_URL), "{command} {url}: {line}");
            }
            let last = refused.stderr().pop().unwrap_or_default();
            assert!(last.starts_with("bf-manage-core: "), "{url}: {last}");
        }
    }
}
