//! Building the report of one connection in a poll cycle.

use domain::ids::{DeviceId, ProviderId};
use domain::polling::{ConnectionOutcome, ConnectionReport, ErrorClass, PollError};

/// Builds a connection's report.
#[derive(Clone, Debug)]
pub struct ReportBuilder(ConnectionReport);

/// Begins the report of a connection that answered with every device and nothing new about any of them.
///
/// # Panics
/// If `provider_id` is not a provider id.
pub fn a_report(provider_id: &str) -> ReportBuilder {
    let nothing = PollError {
        class: ErrorClass::Unavailable,
        detail: String::new(),
    };
    let provider_id = ProviderId::try_new(provider_id).expect("a provider id");
    let report = ConnectionReport::without_answer(provider_id, ConnectionOutcome::Ok, nothing, 0);
    ReportBuilder(ConnectionReport {
        error: None,
        ..report
    })
}

impl ReportBuilder {
    /// Leaves these devices out of the answer.
    ///
    /// # Panics
    /// If one of `devices` is not a device id.
    #[must_use]
    pub fn missing<'d>(mut self, devices: impl IntoIterator<Item = &'d str>) -> Self {
        self.0.missing = devices
            .into_iter()
            .map(|id| DeviceId::try_new(id).expect("a device id"))
            .collect();
        self
    }

    /// Says that the answer named `returned` of `expected` devices.
    #[must_use]
    pub fn naming(mut self, returned: u32, expected: u32) -> Self {
        self.0.returned = returned;
        self.0.devices_expected = expected;
        self
    }

    /// Adds a device whose updates were all rejected.
    ///
    /// # Panics
    /// If `device_id` is not a device id.
    #[must_use]
    pub fn rejecting(mut self, device_id: &str, reason: &str) -> Self {
        *self.0.rejected.entry(reason.to_owned()).or_default() += 1;
        self.0.rejected_devices.insert(
            DeviceId::try_new(device_id).expect("a device id"),
            reason.to_owned(),
        );
        self
    }

    /// Says that the connection gave no answer, because of a failure of this class.
    #[must_use]
    pub fn failed(mut self, class: ErrorClass) -> Self {
        self.0.outcome = ConnectionOutcome::Failed;
        self.0.error = Some(PollError {
            class,
            detail: "as the test has it".to_owned(),
        });
        self
    }

    /// Returns the report.
    pub fn build(self) -> ConnectionReport {
        self.0
    }
}
