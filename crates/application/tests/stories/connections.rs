//! Provider connections.

use application::commands::{
    ChangeError, Conflict, ConnectionSpec, Precondition, put_connection, remove_connection,
};
use domain::fleet::{Connection, ProviderType};
use domain::ids::ProviderId;
use testkit::{AUTHOR, ConnectionBuilder, Fixture, Fleet, a_connection, a_device, a_workspace};

type Outcome<T> = Result<T, ChangeError<Connection>>;

async fn put(
    depot: &Fleet,
    connection: ConnectionBuilder,
    precondition: &Precondition,
) -> Outcome<(Connection, bool)> {
    let (id, spec) = connection.build();
    put_connection(&depot.core, AUTHOR, &depot.id, &id, spec, precondition).await
}

async fn remove(depot: &Fleet, id: &str, precondition: &Precondition) -> Outcome<()> {
    let id = ProviderId::try_new(id).expect("an id");
    remove_connection(&depot.core, AUTHOR, &depot.id, &id, precondition).await
}

async fn stored(depot: &Fleet, id: &str) -> Option<Connection> {
    let id = ProviderId::try_new(id).expect("an id");
    depot
        .core
        .store
        .connection(&depot.id, &id)
        .await
        .expect("the store")
}

#[tokio::test]
async fn a_connection_is_stored_as_asked_for() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let asked = a_connection("geo")
        .of_type(ProviderType::Geotab)
        .at("https://my.geotab.com")
        .credential("file:geotab/north")
        .reporting_every_minutes(30)
        .disabled();
    let (connection, created) = put(&depot, asked.clone(), &Precondition::None)
        .await
        .expect("a connection");
    assert!(created);
    assert_eq!(connection.version, 1);
    assert_eq!(stored(&depot, "geo").await.as_ref(), Some(&connection));
    let (
        _,
        ConnectionSpec {
            base_url,
            credential_ref,
            enabled,
            ..
        },
    ) = asked.build();
    assert_eq!(
        (
            &connection.base_url,
            &connection.credential_ref,
            connection.enabled
        ),
        (&base_url, &credential_ref, enabled)
    );
    assert_eq!(connection.expected_reporting_interval_minutes, Some(30));

    let (unchanged, created) = put(&depot, asked.clone(), &Precondition::OneOf(vec![1]))
        .await
        .expect("no change");
    assert_eq!((unchanged, created), (connection, false));
    let (changed, created) = put(
        &depot,
        asked.at("https://my2.geotab.com"),
        &Precondition::OneOf(vec![1]),
    )
    .await
    .expect("a change");
    assert_eq!((changed.version, created), (2, false));
    assert_eq!(stored(&depot, "geo").await, Some(changed));
}

#[tokio::test]
async fn every_change_of_connections_and_devices_empties_what_instances_remember() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let mut version = depot.record().await.registry_version;
    let mut expect_bump = async |what: &str, by: i64| {
        let now = depot.record().await.registry_version;
        assert_eq!(now - version, by, "{what}");
        version = now;
    };
    put(&depot, a_connection("geo"), &Precondition::None)
        .await
        .expect("a connection");
    expect_bump("a new connection", 1).await;
    put(&depot, a_connection("geo"), &Precondition::None)
        .await
        .expect("no change");
    expect_bump("the same connection", 0).await;
    put(&depot, a_connection("geo").disabled(), &Precondition::None)
        .await
        .expect("a change");
    expect_bump("a changed connection", 1).await;
    remove(&depot, "geo", &Precondition::None)
        .await
        .expect("a removal");
    expect_bump("a removed connection", 1).await;
    depot.configure(a_device("bus-1")).await;
    expect_bump("a new device", 1).await;
    depot.configure(a_device("bus-1")).await;
    expect_bump("the same device", 0).await;
    depot.deactivate("bus-1").await;
    expect_bump("a deactivated device", 1).await;
    depot.deactivate("bus-1").await;
    expect_bump("a device deactivated again", 0).await;
}

#[tokio::test]
async fn a_connection_in_use_stays() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north")
        .with(a_device("bus-1"))
        .create(&fixture)
        .await;
    let refused = remove(&depot, "sim-main", &Precondition::None).await;
    assert!(
        matches!(
            refused,
            Err(ChangeError::Conflict(Conflict::ConnectionInUse))
        ),
        "{refused:?}"
    );
    assert!(stored(&depot, "sim-main").await.is_some());

    depot.deactivate("bus-1").await;
    remove(&depot, "sim-main", &Precondition::OneOf(vec![1]))
        .await
        .expect("nobody speaks through it");
    assert_eq!(stored(&depot, "sim-main").await, None);
    assert_eq!(depot.events("ProviderConnectionRemoved").await.len(), 1);
}

#[tokio::test]
async fn a_connection_is_refused_what_it_may_not_become() {
    let fixture = Fixture::create().await;
    let depot = a_workspace("north").create(&fixture).await;
    let before = stored(&depot, "sim-main").await.expect("a connection");
    let typed = put(
        &depot,
        a_connection("sim-main").of_type(ProviderType::Samsara),
        &Precondition::None,
    )
    .await;
    assert!(
        matches!(
            typed,
            Err(ChangeError::Conflict(Conflict::ProviderTypeFixed))
        ),
        "{typed:?}"
    );
    let outdated = put(
        &depot,
        a_connection("sim-main").disabled(),
        &Precondition::OneOf(vec![9]),
    )
    .await;
    assert!(matches!(outdated, Err(ChangeError::Outdated(current)) if *current == before));
    let absent = put(&depot, a_connection("geo"), &Precondition::OneOf(vec![1])).await;
    assert!(
        matches!(absent, Err(ChangeError::Unknown("connection"))),
        "{absent:?}"
    );
    let removed = remove(&depot, "sim-main", &Precondition::OneOf(vec![9])).await;
    assert!(matches!(removed, Err(ChangeError::Outdated(current)) if *current == before));
    let unknown = remove(&depot, "geo", &Precondition::None).await;
    assert!(
        matches!(unknown, Err(ChangeError::Unknown("connection"))),
        "{unknown:?}"
    );
    assert_eq!(stored(&depot, "sim-main").await, Some(before));
}
