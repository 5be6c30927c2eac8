//! Building a workspace with what is configured in it.

use application::Core;
use application::commands::{Precondition, put_connection, put_device, put_workspace};
use chrono::TimeDelta;
use domain::fleet::{
    Cutover, DeviceRegistrySource, PollOwner, ProviderMode, ReadOwner, WorkspaceName,
};
use domain::ids::WorkspaceId;

use crate::{AUTHOR, ConnectionBuilder, DeviceBuilder, Fixture, Fleet, a_connection, hours};

/// The flags of a workspace that was cut over to core, with the simulator admitted beside real
/// providers.
pub const CORE_OWNED: Cutover = Cutover {
    device_registry_source: DeviceRegistrySource::Core,
    poll_owner: PollOwner::Core,
    read_owner: ReadOwner::Core,
    provider_mode: ProviderMode::Mixed,
};

/// A workspace to be.
#[derive(Clone, Debug)]
pub struct WorkspaceBuilder {
    id: WorkspaceId,
    flags: Cutover,
    registered_for: TimeDelta,
    connections: Vec<ConnectionBuilder>,
    devices: Vec<DeviceBuilder>,
}

/// An active workspace that was registered a day ago with [`CORE_OWNED`] flags. Without a connection
/// of its own it gets `sim-main`, a simulator's.
///
/// # Panics
/// When `id` is none.
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
    /// With other flags; the registry is core's while devices are configured, whatever they say.
    #[must_use]
    pub fn flags(self, flags: Cutover) -> Self {
        Self { flags, ..self }
    }

    /// Registered so long ago, and its connections and devices not before.
    #[must_use]
    pub fn registered_for(self, registered_for: TimeDelta) -> Self {
        Self {
            registered_for,
            ..self
        }
    }

    /// With a connection, instead of `sim-main`.
    #[must_use]
    pub fn through(mut self, connection: ConnectionBuilder) -> Self {
        self.connections.push(connection);
        self
    }

    /// With a device.
    #[must_use]
    pub fn with(mut self, device: DeviceBuilder) -> Self {
        self.devices.push(device);
        self
    }

    /// With some devices.
    #[must_use]
    pub fn with_all(mut self, devices: impl IntoIterator<Item = DeviceBuilder>) -> Self {
        self.devices.extend(devices);
        self
    }

    /// Builds it, through the commands, at the times at which each of it came about.
    ///
    /// # Panics
    /// When a command refuses.
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
