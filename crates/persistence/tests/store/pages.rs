//! Pages of lists, each beginning after the last key of the page before.

use domain::fleet::DeviceFilter;
use domain::ids::{DeviceId, ProviderId};
use testkit::{Fixture, Fleet, a_connection, a_device, a_workspace};

async fn device_ids(
    depot: &Fleet,
    filter: &DeviceFilter,
    after: Option<&str>,
    limit: i64,
) -> Vec<String> {
    let after = device_id(after);
    let devices = depot
        .core
        .store
        .devices(&depot.id, filter, after.as_ref(), limit)
        .await
        .expect("devices");
    devices
        .into_iter()
        .map(|device| device.id.to_string())
        .collect()
}

fn device_id(text: Option<&str>) -> Option<DeviceId> {
    text.map(|id| DeviceId::try_new(id).expect("a device id"))
}

#[tokio::test]
async fn pages_neither_leave_out_nor_repeat_a_device() {
    let fixture = Fixture::create().await;
    let ids = ["bus-1", "bus-10", "bus-2", "bus-3", "bus-4"];
    let depot = a_workspace("north")
        .with_all(ids.map(a_device))
        .create(&fixture)
        .await;
    a_workspace("south")
        .with(a_device("bus-15"))
        .create(&fixture)
        .await;
    let everything = DeviceFilter::default();
    let (mut walked, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = device_ids(&depot, &everything, after.as_deref(), 2).await;
        let snapshots = fixture
            .store()
            .snapshots(&depot.id, None, device_id(after.as_deref()).as_ref(), 2)
            .await
            .expect("snapshots");
        assert_eq!(
            page,
            snapshots
                .iter()
                .map(|row| row.device_id.to_string())
                .collect::<Vec<_>>()
        );
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        walked.extend(page);
    }
    assert_eq!(walked, ids);
}

#[tokio::test]
async fn a_filter_leaves_out_other_vehicles_and_deactivated_devices() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with_all([
            a_device("front").fitted_to("tram"),
            a_device("rear").fitted_to("tram"),
            a_device("bus-1"),
        ])
        .create(&fixture)
        .await;
    depot.deactivate("rear").await;
    for (name, filter, expected) in [
        (
            "all",
            DeviceFilter::default(),
            vec!["bus-1", "front", "rear"],
        ),
        (
            "active",
            DeviceFilter {
                active: Some(true),
                vehicle_id: None,
            },
            vec!["bus-1", "front"],
        ),
        (
            "deactivated",
            DeviceFilter {
                active: Some(false),
                vehicle_id: None,
            },
            vec!["rear"],
        ),
        (
            "of a vehicle",
            DeviceFilter {
                active: Some(true),
                vehicle_id: Some(depot.snapshot("front").await.vehicle_id),
            },
            vec!["front"],
        ),
    ] {
        assert_eq!(
            device_ids(&depot, &filter, None, 10).await,
            expected,
            "{name}"
        );
    }
    let gone = fixture
        .store()
        .snapshot(&depot.id, &DeviceId::try_new("rear").expect("an id"))
        .await
        .expect("the store");
    assert!(gone.is_none(), "a deactivated device has no snapshot");
}

#[tokio::test]
async fn connections_and_workspaces_are_listed_in_order_of_id() {
    let fixture = Fixture::create().await;
    let connections = ["geo", "sim-main", "zeta"];
    let depot = connections
        .iter()
        .fold(a_workspace("north"), |depot, id| {
            depot.through(a_connection(id))
        })
        .create(&fixture)
        .await;
    a_workspace("east").create(&fixture).await;
    a_workspace("south").create(&fixture).await;

    let after = ProviderId::try_new("geo").expect("a provider id");
    let listed = fixture
        .store()
        .connections(&depot.id, Some(&after), 10)
        .await
        .expect("connections");
    assert_eq!(
        listed
            .iter()
            .map(|connection| connection.id.as_str())
            .collect::<Vec<_>>(),
        ["sim-main", "zeta"]
    );

    let listed = fixture.store().workspaces(None, 10).await;
    let listed = listed.expect("workspaces");
    assert_eq!(
        listed
            .iter()
            .map(|record| record.workspace.id.as_str())
            .collect::<Vec<_>>(),
        ["east", "north", "south"]
    );
}
