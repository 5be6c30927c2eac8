//! The device registry.

use application::commands::{ChangeError, Conflict, Precondition, deactivate_device, put_device};
use domain::fleet::{Cutover, Device, DeviceRegistrySource};
use domain::ids::DeviceId;
use futures::future::join_all;
use testkit::{
    AUTHOR, CORE_OWNED, DeviceBuilder, Fixture, Fleet, a_connection, a_device, a_workspace, hours,
    minutes, start,
};

async fn put(
    depot: &Fleet,
    device: DeviceBuilder,
    precondition: &Precondition,
) -> Result<(Device, bool), ChangeError<Device>> {
    let (id, spec) = device.build();
    put_device(&depot.core, AUTHOR, &depot.id, &id, spec, precondition).await
}

async fn deactivate(
    depot: &Fleet,
    id: &str,
    precondition: &Precondition,
) -> Result<(), ChangeError<Device>> {
    deactivate_device(&depot.core, AUTHOR, &depot.id, &device_id(id), precondition).await
}

fn device_id(id: &str) -> DeviceId {
    DeviceId::try_new(id).expect("an id")
}

async fn stored(depot: &Fleet, id: &str) -> Device {
    depot
        .core
        .store
        .device(&depot.id, &device_id(id))
        .await
        .expect("the store")
        .expect("a device")
}

#[tokio::test]
async fn any_change_of_what_a_device_is_starts_a_new_activation_and_no_change_does_not() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-new"))
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let mut before = stored(&depot, "bus-1").await;
    for (name, device, renewed) in [
        ("the same", a_device("bus-1"), false),
        ("another vehicle", a_device("bus-1").fitted_to("tram"), true),
        (
            "another external id",
            a_device("bus-1").fitted_to("tram").called("new"),
            true,
        ),
        (
            "another connection",
            a_device("bus-1")
                .fitted_to("tram")
                .called("new")
                .through("sim-new"),
            true,
        ),
        (
            "the same again",
            a_device("bus-1")
                .fitted_to("tram")
                .called("new")
                .through("sim-new"),
            false,
        ),
    ] {
        fixture.clock.advance(minutes(1));
        let (device, created) = put(&depot, device, &Precondition::OneOf(vec![before.version]))
            .await
            .expect(name);
        assert!(!created, "{name}");
        assert_eq!(
            device.activation_id != before.activation_id,
            renewed,
            "{name}"
        );
        assert_eq!(
            device.activated_at == fixture.clock.now(),
            renewed,
            "{name}"
        );
        assert_eq!(
            device.version - before.version,
            i64::from(renewed),
            "{name}"
        );
        assert_eq!(device.configured_at, start() - hours(24), "{name}");
        assert_eq!(stored(&depot, "bus-1").await, device, "{name}");
        before = device;
    }
    assert_eq!(depot.events("DeviceConfigured").await.len(), 4);
}

#[tokio::test]
async fn a_deactivated_device_comes_back_by_being_configured_again() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let before = stored(&depot, "bus-1").await;
    deactivate(&depot, "bus-1", &Precondition::OneOf(vec![1]))
        .await
        .expect("a deactivation");
    let off = stored(&depot, "bus-1").await;
    assert_eq!((off.active, off.version), (false, 2));
    deactivate(&depot, "bus-1", &Precondition::None)
        .await
        .expect("again is no change");
    assert_eq!(stored(&depot, "bus-1").await, off);
    assert_eq!(depot.events("DeviceDeactivated").await.len(), 1);

    fixture.clock.advance(minutes(1));
    let (back, created) = put(&depot, a_device("bus-1"), &Precondition::None)
        .await
        .expect("a device");
    assert!(!created && back.active);
    assert_ne!(back.activation_id, before.activation_id);
    assert_eq!(
        (back.version, back.configured_at, back.activated_at),
        (3, before.configured_at, start() + minutes(1))
    );
}

#[tokio::test]
async fn a_name_at_a_connection_means_one_active_device() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-new"))
        .with(a_device("bus-1").called("unit"))
        .create(&fixture)
        .await;
    let taken = put(
        &depot,
        a_device("bus-2").called("unit"),
        &Precondition::None,
    )
    .await;
    assert!(
        matches!(&taken, Err(ChangeError::Conflict(Conflict::ExternalIdTaken(holder))) if holder == "bus-1"),
        "{taken:?}"
    );
    put(
        &depot,
        a_device("bus-2").called("unit").through("sim-new"),
        &Precondition::None,
    )
    .await
    .expect("another connection, another unit");
    deactivate(&depot, "bus-1", &Precondition::None)
        .await
        .expect("a deactivation");
    put(
        &depot,
        a_device("bus-3").called("unit"),
        &Precondition::None,
    )
    .await
    .expect("the name is free");
    let back = put(
        &depot,
        a_device("bus-1").called("unit"),
        &Precondition::None,
    )
    .await;
    assert!(
        matches!(&back, Err(ChangeError::Conflict(Conflict::ExternalIdTaken(holder))) if holder == "bus-3"),
        "{back:?}"
    );
}

#[tokio::test]
async fn of_many_that_want_a_name_at_once_one_gets_it() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let ids: Vec<String> = (0..8).map(|n| format!("bus-{n}")).collect();
    let outcomes = join_all(
        ids.iter()
            .map(|id| put(&depot, a_device(id).called("unit"), &Precondition::None)),
    )
    .await;
    let conflicts = outcomes
        .iter()
        .filter(|outcome| {
            matches!(
                outcome,
                Err(ChangeError::Conflict(Conflict::ExternalIdTaken(_)))
            )
        })
        .count();
    assert_eq!(
        (
            conflicts,
            outcomes.iter().filter(|outcome| outcome.is_ok()).count()
        ),
        (7, 1)
    );
}

#[tokio::test]
async fn a_device_is_refused_what_it_may_not_be() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let before = stored(&depot, "bus-1").await;
    let lost = put(
        &depot,
        a_device("bus-1").through("nowhere"),
        &Precondition::None,
    )
    .await;
    assert!(
        matches!(&lost, Err(ChangeError::Conflict(Conflict::UnknownConnection(id))) if id == "nowhere"),
        "{lost:?}"
    );
    let outdated = put(
        &depot,
        a_device("bus-1").fitted_to("tram"),
        &Precondition::OneOf(vec![9]),
    )
    .await;
    assert!(matches!(outdated, Err(ChangeError::Outdated(current)) if *current == before));
    let outdated = deactivate(&depot, "bus-1", &Precondition::OneOf(vec![9])).await;
    assert!(matches!(outdated, Err(ChangeError::Outdated(current)) if *current == before));
    for unknown in [
        put(&depot, a_device("bus-9"), &Precondition::OneOf(vec![1]))
            .await
            .map(drop),
        deactivate(&depot, "bus-9", &Precondition::None).await,
    ] {
        assert!(
            matches!(unknown, Err(ChangeError::Unknown("device"))),
            "{unknown:?}"
        );
    }
    assert_eq!(stored(&depot, "bus-1").await, before);
}

#[tokio::test]
async fn devices_of_a_registry_that_legacy_owns_are_not_ours_to_change() {
    let fixture = Fixture::create().await;
    let flags = Cutover {
        device_registry_source: DeviceRegistrySource::LegacySync,
        ..CORE_OWNED
    };
    let depot = a_workspace("north")
        .flags(flags)
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    for refused in [
        put(
            &depot,
            a_device("bus-1").fitted_to("tram"),
            &Precondition::None,
        )
        .await
        .map(drop),
        deactivate(&depot, "bus-1", &Precondition::None).await,
    ] {
        assert!(
            matches!(
                refused,
                Err(ChangeError::Conflict(Conflict::RegistryOwnedByLegacy))
            ),
            "{refused:?}"
        );
    }
    assert!(stored(&depot, "bus-1").await.active);
}
