//! Rejections that many writers bring at once.

use domain::acceptance::{Item, REJECTIONS_AT_MOST, RejectReason};
use futures::future::join_all;
use testkit::{Fixture, Fleet, a_device, a_workspace, an_update, minutes, seconds, start};

use crate::rejections::{counted, kept, unknown};

/// Whatever they name, in whatever order, and while what is too many is being removed.
#[tokio::test]
async fn sixteen_writers_of_rejections_neither_deadlock_nor_miscount() {
    let fixture = Fixture::create().await;
    let devices: Vec<String> = (0..20).map(|n| format!("bus-{n:02}")).collect();
    let depot = a_workspace("north")
        .with_all(devices.iter().map(|id| a_device(id)))
        .create(&fixture)
        .await;
    depot
        .push((0..REJECTIONS_AT_MOST).map(|n| unknown(&format!("old-{n}"))))
        .await;
    let instances: Vec<Fleet> = (0..4)
        .map(|_| depot.seen_by(fixture.another_instance()))
        .collect();
    let (rounds, writers) = (5, 16);
    for round in 0..rounds {
        let batches = (0..writers).map(|writer| {
            let mut items: Vec<Item> = Vec::new();
            for (n, id) in devices.iter().enumerate() {
                let at = start() + seconds(i64::from(round * writers + writer));
                items.push(an_update(id).observed(at).with("speed_kmh", 1).into());
                items.push(
                    an_update(id)
                        .observed(start() + minutes(60))
                        .with("speed_kmh", 1)
                        .into(),
                );
                items.push(unknown(&format!("old-{}", (n * 7 + 13) % 40)).into());
                items.push(unknown(&format!("new-{round}-{writer}-{n}")).into());
            }
            if writer % 2 == 1 {
                items.reverse();
            }
            let instance = &instances[usize::try_from(writer).expect("a few") % instances.len()];
            async move { instance.push(items).await }
        });
        join_all(batches).await;
    }
    let each = i64::from(rounds * writers) * 20;
    assert_eq!(counted(&depot, RejectReason::FutureTimestamp).await, each);
    assert_eq!(
        counted(&depot, RejectReason::UnknownDevice).await,
        2 * each + i64::try_from(REJECTIONS_AT_MOST).expect("some")
    );
    let ahead = kept(&depot, RejectReason::FutureTimestamp).await;
    assert_eq!(ahead.len(), devices.len());
    assert!(
        ahead
            .iter()
            .all(|kept| kept.count == i64::from(rounds * writers))
    );
    assert_eq!(
        kept(&depot, RejectReason::UnknownDevice).await.len(),
        REJECTIONS_AT_MOST
    );
}
