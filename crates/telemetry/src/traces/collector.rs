//! The connection to the collector of spans: our own HTTP client, on the service's runtime.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use clock::Stopwatch;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// The shortest time between two warnings about a collector that is down.
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);

/// Sends batches of spans. The exporter's thread has no runtime, so requests run on the service's.
#[derive(Debug)]
pub(super) struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    last_warning: Mutex<Option<Stopwatch>>,
}

impl Collector {
    /// Makes a client. `time_limit` is that of one request.
    ///
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub(super) fn try_new(runtime: Handle, time_limit: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(time_limit)
            .timeout(time_limit)
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self {
            http,
            runtime,
            last_warning: Mutex::new(None),
        })
    }

    fn warn(&self, detail: &str) {
        let mut last_warning = self
            .last_warning
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if last_warning.is_none_or(|since| since.elapsed() >= BETWEEN_WARNINGS) {
            *last_warning = Some(Stopwatch::start());
            tracing::warn!(
                detail,
                "the collector did not accept spans, which are lost: check OTLP_ENDPOINT"
            );
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let answer = http.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        });
        match sent.await? {
            Ok((status, body)) => {
                if !status.is_success() {
                    self.warn(status.as_str());
                }
                let mut answer = Response::new(body);
                *answer.status_mut() = status;
                Ok(answer)
            }
            Err(error) => {
                // The collector's address may contain a secret.
                let error = error.without_url();
                self.warn(&error.to_string());
                Err(error.into())
            }
        }
    }
}
