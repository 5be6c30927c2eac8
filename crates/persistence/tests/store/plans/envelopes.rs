//! Plans of statements about provider envelopes.

use sqlx::Executor;
use testkit::{Fixture, a_workspace};

use crate::statements::plan_of;

/// On a day with many envelopes, those of a batch are found by their ids, and those in quarantine without the others.
#[tokio::test]
async fn envelopes_are_found_by_id_and_the_quarantine_by_an_index_of_its_own() {
    let fixture = Fixture::create().await;
    a_workspace("north").create(&fixture).await;
    let pool = fixture.store().pool();
    pool.execute(
        "INSERT INTO provider_envelopes (workspace_id, envelope_id, recorded_at, provider_type, provider_id, received_at, outcome)
         SELECT 'north', gen_random_uuid(), '2026-11-23T08:00:00Z', 'depot_sim', 'sim-main', '2026-11-23T08:00:00Z',
                CASE WHEN n % 1000 = 0 THEN 'quarantined' ELSE 'accepted' END
         FROM generate_series(1, 20000) n;
         INSERT INTO raw_messages (workspace_id, recorded_at, envelope_id, raw_message)
         SELECT workspace_id, recorded_at, envelope_id, '7' FROM provider_envelopes;
         ANALYZE provider_envelopes, raw_messages",
    )
    .await
    .expect("a day of envelopes");
    let id = "'019ab000-0000-7000-8000-000000000001'";
    let known = format!("'north', ARRAY[{id}]::uuid[]");
    let page = format!("'north', {id}, 100, 2000");
    let lock = format!("'north', {id}, NULL, NULL, 100");
    let named = format!("'north', ARRAY[{id}]::uuid[], {id}, '{{quarantined,rejected}}'");
    let forget = format!("'north', '2026-11-24', '2026-11-22', {id}, 10000");
    for (name, arguments, indexes) in [
        (
            "provider_envelopes: those known already",
            &known,
            &["provider_envelopes_pkey"][..],
        ),
        (
            "provider_envelopes: page of the quarantine",
            &page,
            &[
                "provider_envelopes_quarantined",
                "raw_messages_20261123_pkey",
            ],
        ),
        (
            "provider_envelopes: lock some of the quarantine",
            &lock,
            &[
                "provider_envelopes_quarantined",
                "raw_messages_20261123_pkey",
            ],
        ),
        (
            "provider_envelopes: lock those named",
            &named,
            &["provider_envelopes_pkey", "raw_messages_20261123_pkey"],
        ),
        (
            "provider_envelopes: forget some",
            &forget,
            &["provider_envelopes_pkey", "raw_messages_20261123_pkey"],
        ),
    ] {
        let plan = plan_of(pool, name, arguments).await;
        assert!(
            !plan.contains("Seq Scan on provider_envelopes")
                && !plan.contains("Seq Scan on raw_messages_20261123"),
            "{name}: {plan}"
        );
        for index in indexes {
            assert!(plan.contains(index), "{name}: {plan}");
        }
    }
}
