//! Building what a poll cycle records of one connection.

use domain::ids::{DeviceId, ProviderId};
use domain::polling::{ConnectionOutcome, ConnectionReport, ErrorClass, PollError};

/// A report to be.
#[derive(Clone, Debug)]
pub struct ReportBuilder(ConnectionReport);

/// A connection that answered, with every device in the answer and nothing new of any.
///
/// # Panics
/// When `provider_id` is none.
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
    /// Without these devices in the answer.
    ///
    /// # Panics
    /// When one of the ids is none.
    #[must_use]
    pub fn missing<'d>(mut self, devices: impl IntoIterator<Item = &'d str>) -> Self {
        self.0.missing = devices
            .into_iter()
            .map(|id| DeviceId::try_new(id).expect("a device id"))
            .collect();
        self
    }

    /// Of so many devices, of which the answer named so many.
    #[must_use]
    pub fn naming(mut self, returned: u32, expected: u32) -> Self {
        self.0.returned = returned;
        self.0.devices_expected = expected;
        self
    }

    /// With nothing of a device but rejected updates.
    ///
    /// # Panics
    /// When `device_id` is none.
    #[must_use]
    pub fn rejecting(mut self, device_id: &str, reason: &str) -> Self {
        *self.0.rejected.entry(reason.to_owned()).or_default() += 1;
        self.0.rejected_devices.insert(
            DeviceId::try_new(device_id).expect("a device id"),
            reason.to_owned(),
        );
        self
    }

    /// Without an answer.
    #[must_use]
    pub fn failed(mut self, class: ErrorClass) -> Self {
        self.0.outcome = ConnectionOutcome::Failed;
        self.0.error = Some(PollError {
            class,
            detail: "as the test has it".to_owned(),
        });
        self
    }

    /// The report.
    pub fn build(self) -> ConnectionReport {
        self.0
    }
}
