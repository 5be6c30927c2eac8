//! The demo fleet: five workspaces of twelve devices, with a past, and with faults to look at.

use anyhow::Context;
use application::commands::{self, Batch, ConnectionSpec, CutoverCommand, Precondition};
use application::{Author, Core};
use bf_depot_sim::{
    Account, Behaviour, Fault, REPLAY_VEHICLE, Recording, Scenario, SignalName, Simulator,
};
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use domain::acceptance::{Address, Item, Origin, Source, Update};
use domain::fleet::{
    CredentialRef, Cutover, DeviceRegistrySource, DeviceSpec, Policy, PollOwner, ProviderMode,
    ProviderType, ReadOwner, WorkspaceName,
};
use domain::ids::{DeviceId, ExternalId, ProviderId, VehicleId, WorkspaceId};
use domain::signals::{Signal, SignalValue};

use super::place::Place;

const REPLAY_WORKSPACE: &str = "demo-replay";
/// The connection that every workspace has.
const MAIN: &str = "depot-sim-main";
/// The vehicles of each workspace.
const VEHICLES: usize = 12;
const AUTHOR: Author<'static> = Author {
    id: "dev",
    trace_id: None,
};

/// How long ago the demo workspaces were registered.
const PAST: TimeDelta = TimeDelta::hours(2);
/// How long ago silent devices, and devices behind a broken provider, sent their last update.
const SILENCE: TimeDelta = TimeDelta::minutes(40);

/// The part of the outage's period in which the provider answers.
const UP_SECONDS: u32 = 20 * 60;
/// An outage that comes and goes. Each part is long enough for the vehicles to become stale, and to recover.
const OUTAGE: Fault = Fault::FlappingUnavailable {
    up_seconds: UP_SECONDS,
    down_seconds: 40 * 60,
};

/// A demo workspace, with its troubled connection beside the main one.
struct Depot {
    id: &'static str,
    name: &'static str,
    /// The troubled connection, the fault of its provider, and how many of the last vehicles it carries.
    troubled: Option<(&'static str, Fault, usize)>,
}

const DEPOTS: [Depot; 5] = [
    Depot {
        id: "demo-north",
        name: "Demo North",
        troubled: Some(("depot-sim-down", OUTAGE, 2)),
    },
    Depot {
        id: "demo-south",
        name: "Demo South",
        troubled: Some(("depot-sim-denied", Fault::CredentialsRejected, 1)),
    },
    Depot {
        id: "demo-east",
        name: "Demo East",
        troubled: Some(("depot-sim-late", Fault::Late { minutes: 30 }, 2)),
    },
    Depot {
        id: "demo-west",
        name: "Demo West",
        troubled: None,
    },
    Depot {
        id: "demo-harbour",
        name: "Demo Harbour",
        troubled: None,
    },
];

/// The state of health that a demo vehicle shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Reporting,
    Silent,
    NeverReporting,
    /// Configured just now, so that its grace period is not over.
    New,
    /// Reporting, but without its state of charge.
    WithoutCharge,
    BehindTroubledProvider,
}

impl Depot {
    fn role(&self, number: usize) -> Role {
        let troubled = self.troubled.map_or(0, |(_, _, vehicles)| vehicles);
        match number {
            1 => Role::Silent,
            2 => Role::NeverReporting,
            3 if self.id == "demo-harbour" => Role::New,
            3 if self.id == "demo-west" => Role::WithoutCharge,
            number if number > VEHICLES - troubled => Role::BehindTroubledProvider,
            _ => Role::Reporting,
        }
    }

    fn connection_of(&self, number: usize) -> &'static str {
        match (self.role(number), self.troubled) {
            (Role::BehindTroubledProvider, Some((connection, _, _))) => connection,
            _ => MAIN,
        }
    }

    fn connections(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(MAIN).chain(self.troubled.map(|(connection, _, _)| connection))
    }
}

/// Builds the simulated providers of the demo, with an account for each connection.
pub fn scenario(recording: Option<Recording>, now: DateTime<Utc>) -> Scenario {
    let mut scenario = Scenario::default();
    for depot in &DEPOTS {
        for connection in depot.connections() {
            let mut account = Account::new(&account_name(depot.id, connection));
            for number in (1..=VEHICLES).filter(|number| depot.connection_of(*number) == connection)
            {
                let behaviour = match depot.role(number) {
                    Role::Reporting | Role::BehindTroubledProvider => Behaviour::Reporting,
                    Role::Silent => Behaviour::SilentSince { at: now - SILENCE },
                    Role::NeverReporting | Role::New => Behaviour::Omitted,
                    Role::WithoutCharge => Behaviour::WithoutSignals {
                        signals: vec![SignalName::StateOfChargePercent],
                    },
                };
                account = account.with_vehicle(&external_id(number), behaviour);
            }
            if let Some((_, fault, _)) = depot
                .troubled
                .filter(|(troubled, _, _)| *troubled == connection)
            {
                // The outage begins when `dev` does.
                account =
                    account.with_fault_since(fault, now - TimeDelta::seconds(UP_SECONDS.into()));
            }
            scenario = scenario.with(account);
        }
    }
    match recording {
        Some(recording) => scenario.with(Account::replay(
            &account_name(REPLAY_WORKSPACE, MAIN),
            recording,
        )),
        None => scenario,
    }
}

/// Registers the workspaces, connections and devices that are missing, as if two hours ago, and points the
/// connections at this run's simulator.
///
/// # Errors
/// When the store refuses.
pub async fn register(
    core: &Core,
    simulator: &Simulator,
    place: &Place,
    replay: bool,
) -> anyhow::Result<()> {
    let now = place.started_at;
    let (past, silence) = (core_at(core, now - PAST), core_at(core, now - SILENCE));
    for depot in &DEPOTS {
        let is_new = ensure_workspace(&past, depot.id, depot.name).await?;
        for connection in depot.connections() {
            ensure_connection(core, place, depot.id, connection).await?;
        }
        for number in 1..=VEHICLES {
            let configured = if depot.role(number) == Role::New {
                core
            } else {
                &past
            };
            configure_vehicle(configured, depot, number).await?;
        }
        if is_new {
            seed_past(&silence, simulator, depot).await?;
            hand_over(core, depot.id).await?;
        }
    }
    if replay {
        register_replay(core, &past, place).await?;
    }
    Ok(())
}

/// Registers the workspace whose one device replays a recording.
async fn register_replay(core: &Core, past: &Core, place: &Place) -> anyhow::Result<()> {
    if ensure_workspace(past, REPLAY_WORKSPACE, "Demo Replay").await? {
        hand_over(core, REPLAY_WORKSPACE).await?;
    }
    ensure_connection(core, place, REPLAY_WORKSPACE, MAIN).await?;
    // Somebody watches the recording, so its workspace is polled as often as schedules allow.
    let policy = Policy::try_new(1, 15, 60).map_err(|wrong| anyhow::anyhow!("{wrong:?}"))?;
    commands::change_policy(
        core,
        AUTHOR,
        &workspace_id(REPLAY_WORKSPACE)?,
        policy,
        &Precondition::None,
    )
    .await?;
    put_device(
        core,
        REPLAY_WORKSPACE,
        REPLAY_VEHICLE,
        REPLAY_VEHICLE,
        MAIN,
        REPLAY_VEHICLE,
    )
    .await
}

/// Creates a workspace whose polls are still the legacy service's. Returns whether it was missing.
async fn ensure_workspace(core: &Core, id: &str, name: &str) -> anyhow::Result<bool> {
    let id = workspace_id(id)?;
    if core.store.workspace(&id).await?.is_some() {
        return Ok(false);
    }
    commands::put_workspace(
        core,
        AUTHOR,
        &id,
        &WorkspaceName::try_new(name)?,
        true,
        Some(polled_by(PollOwner::Legacy)),
        &Precondition::None,
    )
    .await?;
    Ok(true)
}

/// Makes core the owner of polls from now on. The slots of a demo workspace's past then do not count as missed.
async fn hand_over(core: &Core, id: &str) -> anyhow::Result<()> {
    commands::change_cutover(
        core,
        AUTHOR,
        &workspace_id(id)?,
        CutoverCommand::Replace(polled_by(PollOwner::Core)),
        Some("the demo begins"),
        &Precondition::None,
    )
    .await?;
    Ok(())
}

fn polled_by(poll_owner: PollOwner) -> Cutover {
    Cutover {
        device_registry_source: DeviceRegistrySource::Core,
        poll_owner,
        read_owner: ReadOwner::Core,
        provider_mode: ProviderMode::Mixed,
    }
}

async fn ensure_connection(
    core: &Core,
    place: &Place,
    workspace: &str,
    connection: &str,
) -> anyhow::Result<()> {
    let account = account_name(workspace, connection);
    place
        .data_dir
        .write_credential(&account, &Account::new(&account).key)?;
    let spec = ConnectionSpec {
        provider_type: ProviderType::DepotSim,
        base_url: format!("{}/accounts/{account}", place.sim_url()),
        credential_ref: Some(CredentialRef::try_new(&format!("file:{account}"))?),
        enabled: true,
        expected_reporting_interval_minutes: None,
        settings: serde_json::Map::new(),
    };
    let provider_id = ProviderId::try_new(connection)?;
    commands::put_connection(
        core,
        AUTHOR,
        &workspace_id(workspace)?,
        &provider_id,
        spec,
        &Precondition::None,
    )
    .await?;
    Ok(())
}

async fn configure_vehicle(core: &Core, depot: &Depot, number: usize) -> anyhow::Result<()> {
    let vehicle = vehicle_name(depot, number);
    put_device(
        core,
        depot.id,
        &format!("{vehicle}-obu"),
        &vehicle,
        depot.connection_of(number),
        &external_id(number),
    )
    .await
}

async fn put_device(
    core: &Core,
    workspace: &str,
    device: &str,
    vehicle: &str,
    connection: &str,
    external_id: &str,
) -> anyhow::Result<()> {
    let (workspace_id, device_id) = (workspace_id(workspace)?, DeviceId::try_new(device)?);
    if core
        .store
        .device(&workspace_id, &device_id)
        .await?
        .is_some()
    {
        return Ok(());
    }
    let spec = DeviceSpec {
        vehicle_id: VehicleId::try_new(vehicle)?,
        provider_id: ProviderId::try_new(connection)?,
        external_id: ExternalId::try_new(external_id)?,
    };
    let put = commands::put_device(
        core,
        AUTHOR,
        &workspace_id,
        &device_id,
        spec,
        &Precondition::None,
    )
    .await;
    put.with_context(|| format!("demo device {device}"))?;
    Ok(())
}

/// Accepts the last update of the silent devices and of the devices behind a broken provider.
async fn seed_past(core: &Core, simulator: &Simulator, depot: &Depot) -> anyhow::Result<()> {
    let then = core.clock.now();
    let mut items = Vec::new();
    for number in 1..=VEHICLES {
        if !matches!(
            depot.role(number),
            Role::Silent | Role::BehindTroubledProvider
        ) {
            continue;
        }
        let readings = simulator.readings_at(
            &account_name(depot.id, depot.connection_of(number)),
            then - TimeDelta::microseconds(1),
        )?;
        let vehicle = readings
            .into_iter()
            .find(|vehicle| vehicle.id == external_id(number))
            .context("a demo vehicle has no past")?;
        let signals = vehicle.signals.iter().filter_map(|reading| {
            let signal = Signal::named(serde_json::to_value(reading.name).ok()?.as_str()?)?;
            let json = serde_json::value::to_raw_value(&reading.value).ok()?;
            Some((signal, SignalValue::read(signal, &json).ok()??))
        });
        items.push(Item::Update(Update {
            address: Address::External {
                provider_id: ProviderId::try_new(depot.connection_of(number))?,
                external_id: ExternalId::try_new(&external_id(number))?,
            },
            observed_at: vehicle.signals.iter().map(|reading| reading.time).max(),
            signals: signals.collect(),
            dropped: Vec::new(),
        }));
    }
    let workspace_id = workspace_id(depot.id)?;
    let items = items.iter().map(|item| (item, Origin::default()));
    let batch = Batch::new(&workspace_id, Source::Push, then, items);
    commands::accept_updates(core, batch).await?;
    Ok(())
}

/// Makes a core whose clock stands at another time.
fn core_at(core: &Core, then: DateTime<Utc>) -> Core {
    Core {
        clock: Clock::manual(then),
        ..core.clone()
    }
}

fn workspace_id(id: &str) -> anyhow::Result<WorkspaceId> {
    Ok(WorkspaceId::try_new(id)?)
}

fn account_name(workspace: &str, connection: &str) -> String {
    format!("{workspace}.{connection}")
}

fn external_id(number: usize) -> String {
    format!("vehicle-{number:03}")
}

fn vehicle_name(depot: &Depot, number: usize) -> String {
    format!("{}-bus-{number:02}", depot.id.trim_start_matches("demo-"))
}
