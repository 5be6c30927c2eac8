//! Building a workspace with its connections and devices.

use application::Core;
use application::commands::{Precondition, put_connection, put_device, put_workspace};
use chrono::TimeDelta;
use domain::fleet::{
    Cutover, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner, WorkspaceName,
};
use domain::ids::WorkspaceId;

use crate::{AUTHOR, ConnectionBuilder, DeviceBuilder, Fixture, Fleet, a_connection, hours};

/// The flags of a workspace that was cut over to core, and that accepts the simulator beside real providers.
pub const CORE_OWNED: Cutover = Cutover {
    device_registry_source: DeviceRegistrySource::Core,
    poll_owner: PollOwner::Core,
    read_owner: ReadOwner::Core,
    provider_mode: ProviderMode::Mixed,
};

/// Builds a workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceBuilder {
    id: WorkspaceId,
    flags: Cutover,
    registered_for: TimeDelta,
    connections: Vec<ConnectionBuilder>,
    devices: Vec<DeviceBuilder>,
}

/// Begins an active workspace that was registered a day ago with [`CORE_OWNED`] flags. If no connection is added, it
/// gets `sim-main`, a connection to a simulator.
///
/// # Panics
/// If `id` is not a workspace id.
pub fn a_workspace(id: &str) -> WorkspaceBuilder {
    WorkspaceBuilder {
        id: WorkspaceId::try_new(id).expect("a workspace id"),
        flags: CORE_OWNED,
        registered_for: hours(24),
        connections: Vec::new(),
        devices: Vec::new(),
    }
}

impl WorkspaceBuilder {
    /// Sets the flags. Devices are configured before the flags take effect, so that core may always do it.
    #[must_use]
    pub fn flags(self, flags: Cutover) -> Self {
        Self { flags, ..self }
    }

    /// Sets how long ago the workspace was registered; its connections and devices are not older.
    #[must_use]
    pub fn registered_for(self, registered_for: TimeDelta) -> Self {
        Self {
            registered_for,
            ..self
        }
    }

    /// Adds a connection; then there is no `sim-main` unless it is added too.
    #[must_use]
    pub fn through(mut self, connection: ConnectionBuilder) -> Self {
        self.connections.push(connection);
        self
    }

    /// Adds a device.
    #[must_use]
    pub fn with(mut self, device: DeviceBuilder) -> Self {
        self.devices.push(device);
        self
    }

    /// Adds devices.
    #[must_use]
    pub fn with_all(mut self, devices: impl IntoIterator<Item = DeviceBuilder>) -> Self {
        self.devices.extend(devices);
        self
    }

    /// Creates the workspace through the commands, each of them run at the time at which its change happened.
    ///
    /// # Panics
    /// If a command refuses.
    pub async fn create(self, fixture: &Fixture) -> Fleet {
        let now = fixture.clock.now();
        let registrar = fixture.core_at(now - self.registered_for);
        self.register(&registrar).await;
        for connection in self.connections() {
            let (id, spec) = connection.build();
            put_connection(&registrar, AUTHOR, &self.id, &id, spec, &Precondition::None)
                .await
                .expect("a connection");
        }
        for device in &self.devices {
            let configured_at = (now - device.configured_for()).max(now - self.registered_for);
            let (id, spec) = device.build();
            put_device(
                &fixture.core_at(configured_at),
                AUTHOR,
                &self.id,
                &id,
                spec,
                &Precondition::None,
            )
            .await
            .expect("a device");
        }
        let fleet = Fleet {
            core: fixture.core.clone(),
            id: self.id.clone(),
        };
        for device in &self.devices {
            if let Some((received_at, update)) = device.last_update(now) {
                fleet
                    .seen_by(fixture.core_at(received_at))
                    .push([update])
                    .await;
            }
        }
        self.hand_over(&registrar).await;
        fleet
    }

    async fn register(&self, core: &Core) {
        let name = WorkspaceName::try_new(self.id.as_str()).expect("an id is a name");
        let flags = if self.devices.is_empty() {
            self.flags
        } else {
            CORE_OWNED
        };
        put_workspace(
            core,
            AUTHOR,
            &self.id,
            &name,
            true,
            Some(flags),
            &Precondition::None,
        )
        .await
        .expect("a workspace");
    }

    async fn hand_over(&self, core: &Core) {
        if !self.devices.is_empty() && self.flags != CORE_OWNED {
            let command = application::commands::CutoverCommand::Replace(self.flags);
            application::commands::change_cutover(
                core,
                AUTHOR,
                &self.id,
                command,
                None,
                &Precondition::None,
            )
            .await
            .expect("flags");
        }
    }

    fn connections(&self) -> Vec<ConnectionBuilder> {
        if self.connections.is_empty() {
            vec![a_connection("sim-main")]
        } else {
            self.connections.clone()
        }
    }
}
