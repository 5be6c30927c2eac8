//! What the audit lists: who asked for what.

use crate::vocabulary::words;

words! {
    /// A thing that somebody did: the type of its event.
    ChangeType {
        /// A workspace was registered, renamed, activated or deactivated.
        WorkspaceConfigured = "WorkspaceConfigured",
        /// Cutover flags were changed or rolled back.
        WorkspaceCutoverChanged = "WorkspaceCutoverChanged",
        /// Cadence or thresholds were changed.
        WorkspacePolicyChanged = "WorkspacePolicyChanged",
        /// A provider connection was made or changed.
        ProviderConnectionConfigured = "ProviderConnectionConfigured",
        /// A provider connection was removed.
        ProviderConnectionRemoved = "ProviderConnectionRemoved",
        /// A device was made, changed or activated again.
        DeviceConfigured = "DeviceConfigured",
        /// A device was deactivated.
        DeviceDeactivated = "DeviceDeactivated",
        /// Something was written down about a device's silence.
        DeviceFollowUpChanged = "DeviceFollowUpChanged",
        /// A list of silent devices was taken away as a spreadsheet.
        WorklistExported = "WorklistExported",
        /// A poll cycle was asked for by hand; those of the schedule are nobody's.
        WorkspacePollCycleTriggered = "WorkspacePollCycleTriggered",
        /// Envelopes in quarantine were interpreted again.
        ProviderEnvelopesReplayed = "ProviderEnvelopesReplayed",
    }
}
