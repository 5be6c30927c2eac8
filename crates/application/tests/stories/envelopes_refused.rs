//! Envelopes that are refused whole, by their connection, the flags or the workspace.

use application::commands::{AcceptError, Precondition, put_workspace};
use domain::envelopes::EnvelopeItem;
use domain::fleet::{Cutover, ProviderMode, ProviderType};
use testkit::{
    AUTHOR, CORE_OWNED, Fixture, Fleet, a_connection, a_workspace, an_envelope, outcomes_of,
    words_of,
};

use crate::envelopes::{depot, speed};

#[tokio::test]
async fn what_may_not_speak_is_refused_with_all_it_says_and_kept() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture).await;
    let reading = |number| speed(number, 31);
    let verdicts = depot
        .forward([
            reading(1).through("nowhere"),
            reading(2).through("sim-off"),
            reading(3).through("geo"),
            reading(4).of_type(ProviderType::Geotab),
            // Which of its faults is told does not depend on whether it is understood.
            an_envelope(5).through("sim-off").saying("null"),
        ])
        .await;
    let expected = [
        "rejected: unknown_connection",
        "rejected: connection_disabled",
        "rejected: provider_type_mismatch",
        "rejected: provider_type_mismatch",
        "rejected: connection_disabled",
    ];
    assert_eq!(outcomes_of(&verdicts), expected);
    for verdict in &verdicts[..3] {
        let [(_, judged)] = verdict.updates() else {
            panic!("{verdict:?}")
        };
        let reason = words_of(std::slice::from_ref(judged))[0];
        assert_eq!(Some(reason), verdict.reason());
    }
    let kept = depot.kept_envelopes().await;
    assert_eq!(kept.len(), 5);
    assert!(kept.iter().all(|kept| kept.detail.is_some()), "{kept:?}");
    assert_eq!(depot.snapshot("bus-1").await.held.version, 0);
}

#[tokio::test]
async fn the_flags_refuse_before_the_connection_does() {
    let fixture = Fixture::create().await;
    let flags = Cutover {
        provider_mode: ProviderMode::LegacyProvider,
        ..CORE_OWNED
    };
    let depot = a_workspace("north")
        .flags(flags)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-off").disabled())
        .create(&fixture)
        .await;
    let verdicts = depot
        .forward([
            speed(1, 31),
            speed(2, 31).through("sim-off"),
            speed(3, 31).through("nowhere"),
            speed(4, 31)
                .through("nowhere")
                .of_type(ProviderType::Viriciti),
        ])
        .await;
    assert_eq!(
        outcomes_of(&verdicts),
        [
            "rejected: provider_not_allowed",
            "rejected: provider_not_allowed",
            "rejected: provider_not_allowed",
            "rejected: unknown_connection"
        ]
    );
}

async fn deactivate(depot: &Fleet) {
    let name = depot.record().await.workspace.name;
    let precondition = Precondition::None;
    put_workspace(
        &depot.core,
        AUTHOR,
        &depot.id,
        &name,
        false,
        None,
        &precondition,
    )
    .await
    .expect("a deactivation");
}

#[tokio::test]
async fn a_batch_for_no_workspace_or_an_inactive_one_leaves_nothing() {
    let fixture = Fixture::create().await;
    let mut depot = depot(&fixture).await;
    let envelope = speed(1, 31);
    let malformed = EnvelopeItem::Malformed {
        envelope_id: None,
        pointer: "/envelope_id".to_owned(),
        detail: "is missing".to_owned(),
    };
    let both = [envelope.item(), malformed.clone()];
    deactivate(&depot).await;
    for items in [&both[..], &both[1..]] {
        let refused = depot.forward_items(items).await;
        assert!(
            matches!(refused, Err(AcceptError::InactiveWorkspace)),
            "{refused:?}"
        );
    }
    assert!(depot.kept_envelopes().await.is_empty());
    depot.id = domain::ids::WorkspaceId::try_new("nowhere").expect("an id");
    for items in [&both[..], &both[1..]] {
        let refused = depot.forward_items(items).await;
        assert!(
            matches!(refused, Err(AcceptError::UnknownWorkspace)),
            "{refused:?}"
        );
    }
}
