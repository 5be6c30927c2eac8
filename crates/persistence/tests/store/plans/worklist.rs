//! Plans of the worklist.

use sqlx::Executor;
use testkit::{Fixture, a_workspace};

use crate::statements::plan_of;

/// The worklist reads the snapshots once and looks up the devices of the few old ones. Devices that never reported are
/// found without reading the others.
#[tokio::test]
async fn silent_devices_are_found_without_joining_all_devices() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO devices (workspace_id, device_id, vehicle_id, provider_id, external_id, active, configured_at, activated_at, activation_id, version)
         SELECT 'north', 'device-' || n, 'bus-' || n, 'sim-main', 'unit-' || n, true, now(), now(), gen_random_uuid(), 1
         FROM generate_series(1, 20000) n;
         UPDATE devices SET reported_in = activation_id WHERE device_id <> 'device-7';
         INSERT INTO snapshots (workspace_id, device_id, activation_id, version, replaces_version,
             last_update_received_at, newest_observed_at, signals, dropped)
         SELECT workspace_id, device_id, activation_id, 1, 0, now(), now(), '{}', '{}' FROM devices;
         ANALYZE devices, snapshots",
    )
    .await
    .expect("a large workspace");
    let stale =
        "'{5}', '{15}', '{NULL}', ARRAY[now()], now(), NULL, NULL, '', '', '{core}', NULL, 101";
    let stale = plan_of(pool, "worklist: stale devices", stale).await;
    let never = "'{60}', ARRAY[now()], now(), NULL, NULL, '', '', '{core}', NULL, 101";
    let never = plan_of(pool, "worklist: devices that never reported", never).await;
    for (plan, wanted) in [
        (&stale, "Seq Scan on snapshots"),
        (&stale, "Index Scan using devices_pkey on devices"),
        (&never, "devices_unreported"),
        (&never, "Index Scan using snapshots_pkey on snapshots"),
    ] {
        assert!(plan.contains(wanted), "{wanted}: {plan}");
    }
    for plan in [stale, never] {
        for dear in ["Hash", "Seq Scan on devices"] {
            assert!(!plan.contains(dear), "{dear}: {plan}");
        }
    }
}
