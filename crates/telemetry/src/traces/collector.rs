//! The way to the collector: our own HTTP client, on the service's runtime.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// A collector that is down is told of once in so long.
const BETWEEN_WARNINGS: Duration = Duration::from_mins(1);

/// Sends batches of spans. The exporter's thread knows no runtime, so requests run on the service's.
#[derive(Debug)]
pub(super) struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    warned: Mutex<Option<Instant>>,
}

impl Collector {
    /// # Errors
    /// When the TLS backend cannot be set up.
    pub(super) fn try_new(runtime: Handle, patience: Duration) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience)
            .timeout(patience)
            .pool_max_idle_per_host(1)
            .build()?;
        Ok(Self {
            http,
            runtime,
            warned: Mutex::new(None),
        })
    }

    fn warn(&self, detail: &str) {
        let now = Instant::now();
        let mut warned = self
            .warned
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if warned.is_none_or(|at| now - at >= BETWEEN_WARNINGS) {
            *warned = Some(now);
            tracing::warn!(
                detail,
                "spans are not taken by the collector: they are lost"
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
                // Its address may hold a secret.
                let error = error.without_url();
                self.warn(&error.to_string());
                Err(error.into())
            }
        }
    }
}
