//! The table of settings. Each setting is declared here once: its meaning, name, type, default and limits. The
//! struct, the names in the environment, the checks and `config/default.toml` all come from this table.

use std::path::PathBuf;

use anyhow::ensure;
use secrecy::SecretString;
use serde::Deserialize;
use std::num::NonZeroU32;

use super::{NameList, Profile, Scheduler};

/// A setting as `config/default.toml` shows it.
pub struct Declaration {
    /// The name in TOML. The environment variable has the same name in upper case.
    pub name: &'static str,
    /// The lines that say what the setting means.
    pub meaning: &'static [&'static str],
    /// The default in TOML, for a setting that has one.
    pub default: Option<&'static str>,
    /// An example in TOML, for a setting that is not set by default.
    pub example: Option<&'static str>,
}

/// Declares the settings. A row is `name: type = default`, or `name: type, example value` for a setting that is
/// not set by default. `within` gives the smallest and the largest value.
macro_rules! settings {
    ($(
        $(#[doc = $meaning:literal])+
        $name:ident: $type:ty $(= $default:expr)? $(, example $example:literal)? $(, within $range:expr)?;
    )+) => {
        /// The settings of an instance.
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {
            $($(#[doc = $meaning])+ pub $name: $type,)+
        }

        /// All settings, in the order of `config/default.toml`.
        pub const DECLARATIONS: &[Declaration] = &[$(Declaration {
            name: stringify!($name),
            meaning: &[$($meaning),+],
            default: optional!($(stringify!($default))?),
            example: optional!($(stringify!($example))?),
        },)+];

        impl Settings {
            /// Checks the limits of each setting.
            ///
            /// # Errors
            /// The first setting that is outside its limits, by its name in the environment.
            pub(super) fn check_limits(&self) -> anyhow::Result<()> {
                $($(
                    let limits = $range;
                    ensure!(
                        limits.contains(&self.$name),
                        "{} must be {} to {}",
                        stringify!($name).to_ascii_uppercase(),
                        limits.start(),
                        limits.end()
                    );
                )?)+
                Ok(())
            }
        }
    };
}

macro_rules! optional {
    () => {
        None
    };
    ($value:expr) => {
        Some($value)
    };
}

settings! {
    /// The profile: "production" or "dev". The `dev` command sets `dev`, and so does the `serve` line that it
    /// prints. `dev` allows provider connections to http on this machine, fires due cycles without EventBridge's
    /// imprecision, and opens /dev/*. In production, `serve` refuses to start with an issuer that is not https or
    /// is on this machine, with the client of development tokens, with the database of `dev`, and with providers
    /// on this machine. Answers then tell browsers to use https only.
    profile: Profile = "production";

    /// The address that serves the API. `--listen` overrides it.
    listen: String = "127.0.0.1:8080";
    /// The address where Prometheus finds /metrics. It needs no token, so keep it inside. Empty: no metrics.
    metrics_listen: String = "127.0.0.1:9464";

    /// The PostgreSQL database. The URL is secret: set it in the environment only. `serve` and `migrate` need it;
    /// `dev` starts a private server if it is not set.
    database_url: Option<SecretString>, example "postgres://user:password@host:5432/database";
    /// The most connections of this instance to the database. Over all instances, use two to three times the
    /// database's cores.
    database_max_connections: u32 = 10, within 1..=200;
    /// The most devices whose configuration and last values this instance caches, so that accepting an update need
    /// not read them. A cached device takes about 1 kB of memory. A device that is not cached costs the database
    /// two fifths more.
    memory_devices: u64 = 1_000_000;

    /// The issuer of access tokens as tokens name it. `serve` needs it.
    auth_issuer: Option<String>, example "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example";
    /// The address of the issuer's keys. `serve` needs it.
    auth_jwks_url: Option<String>, example "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example/.well-known/jwks.json";
    /// The app clients whose tokens are accepted. `serve` needs at least one.
    auth_client_ids: NameList = [];
    /// The audience that a token must name if it names any.
    auth_audience: Option<String>, example "https://telematics.example.com";

    /// The requests per second that this instance answers one person in the long run. 0: unlimited. A caller beyond
    /// the limit gets 429 with Retry-After.
    rate_person_per_second: u32 = 50;
    /// The requests at once that a person may send after a pause.
    rate_person_burst: NonZeroU32 = 200;
    /// The requests per second that this instance answers one machine in the long run. 0: unlimited.
    rate_machine_per_second: u32 = 0;
    /// The requests at once that a machine may send after a pause.
    rate_machine_burst: NonZeroU32 = 200;

    /// The most client connections at once. Further clients wait. Each connection takes a file descriptor.
    http_connections: usize = 1024, within 1..=100_000;
    /// The longest time for a request's head to arrive, and for a connection to be idle. It must be longer than the
    /// load balancer keeps idle connections (60 s at AWS), or the load balancer sends requests into connections
    /// that are being closed.
    http_head_seconds: u32 = 75, within 1..=600;
    /// The longest time for a request's body to arrive, however steadily it does. Beyond it: 408.
    http_body_seconds: u32 = 30, within 1..=600;
    /// The longest time from the end of the body to the answer. Beyond it: 503.
    http_answer_seconds: u32 = 30, within 1..=600;

    /// What fires poll cycles: `eventbridge` (from outside) or `none`. `in_process` is for `dev` only.
    scheduler: Scheduler = "eventbridge";
    /// The imprecision of triggers in seconds. EventBridge fires anywhere within a minute.
    trigger_precision_seconds: u32 = 60, within 0..=120;

    /// The group of this deployment's schedules, which must contain nothing else. `serve` needs this and the next
    /// four settings if the scheduler is "eventbridge". `config/aws/` creates all five and puts out their names.
    eventbridge_group: Option<String>, example "bf-telematics-poll-prod";
    /// The event bus that schedules put events on.
    eventbridge_bus_arn: Option<String>, example "arn:aws:events:eu-central-1:123456789012:event-bus/bf-telematics-prod";
    /// The role in which schedules put events on the bus.
    eventbridge_role_arn: Option<String>, example "arn:aws:iam::123456789012:role/bf-telematics-scheduler-prod";
    /// The queue of events that could not be put on the bus.
    eventbridge_dlq_arn: Option<String>, example "arn:aws:sqs:eu-central-1:123456789012:bf-telematics-scheduler-dlq-prod";
    /// The AWS region of the schedules. Credentials are found by the AWS SDK.
    eventbridge_region: Option<String>, example "eu-central-1";
    /// The address of an emulator, instead of the region's own. Production refuses it.
    eventbridge_endpoint_url: Option<String>, example "http://127.0.0.1:5000";

    /// How long events are kept. The reconciliation sweep drops older days.
    event_retention_days: u32 = 90, within 7..=3650;
    /// How long poll cycles, their results per connection, and sweeps are kept. The reconciliation sweep removes
    /// older ones. Indicators look back a week, so this must be longer.
    cycle_retention_days: u32 = 90, within 8..=3650;
    /// How long raw messages of providers are kept, and repeated envelopes are recognised. It must be longer than a
    /// transport may delay an envelope.
    envelope_retention_days: u32 = 14, within 1..=365;

    /// The hosts that provider connections may name, by https only.
    provider_allowed_hosts: NameList = [];
    /// The folder of `file:` credential references. If it is not set, there are no such references. A credential is
    /// one line, or a JSON object where a provider needs more than a key, of at most 16 KiB. Its file must be in
    /// this folder, also if it is reached through links.
    provider_credentials_dir: Option<PathBuf>, example "/run/secrets/providers";
    /// The reference (`env:PROVIDER_…` or `file:…`) to the key that seals login sessions at providers: 32 bytes in
    /// base64, as `openssl rand -base64 32` writes them, and the same at all instances. If it is not set, each
    /// instance logs in by itself and keeps its sessions in memory. A new key costs one login per account.
    provider_session_key_ref: Option<String>, example "file:session.key";
    /// The longest time for one poll of one connection, retries and pages included. It must be below the shortest
    /// poll interval.
    provider_deadline_seconds: u32 = 30, within 1..=55;
    /// The requests per second that this instance sends to one provider account in the long run (type, host and
    /// credential reference together). 0: unlimited. A request waits for its turn within the deadline. If it gets
    /// none, the connection's poll fails as `rate_limited`.
    provider_account_per_second: u32 = 10;
    /// The requests at once to one provider account after a pause.
    provider_account_burst: NonZeroU32 = 20;
    /// The failed polls in a row after which a connection is no longer polled, except for a probe now and then. Its
    /// polls are then skipped as `circuit_open`. A change of the connection resets this. 0: never.
    breaker_failures: u32 = 5, within 0..=100;
    /// The time between two probes of a connection that is no longer polled.
    breaker_probe_seconds: u32 = 600, within 60..=86_400;

    /// The most poll cycles that this instance runs at once. A cycle that waits for a provider costs little, so
    /// allow for all of them to hang: workspaces of all instances x `provider_deadline_seconds` / poll interval in
    /// seconds, and a third more, divided by the number of instances. 128 is enough for 960 workspaces at five
    /// minutes. A quarter is reserved for workspaces whose latest cycle completed.
    poll_concurrency: usize = 128, within 1..=1_000;
    /// How long the lease of a cycle lasts without renewal. A killed instance delays its cycles by this time.
    lease_seconds: u32 = 30, within 3..=600;

    /// How far ahead of core's clock a provider's clock may be.
    future_tolerance_seconds: u32 = 300, within 0..=3_600;

    /// The feature flag workspace-telematics-mvp-settings, which gates a page of the user interface.
    feature_workspace_settings: bool = false;

    /// The filter of log lines, such as info or info,application=debug. Log lines are JSON, one object per line:
    /// cycles and writes at info, reads and refusals at debug, what is degraded at warn, what needs somebody at
    /// error.
    log: String = "info";

    /// The base URL of a collector that spans of requests, cycles and polls are exported to, by OTLP over HTTP.
    /// Requests to providers then carry traceparent. If it is not set, nothing is exported.
    otlp_endpoint: Option<String>, example "http://127.0.0.1:4318";
}
