//! Causes that a stream's state shows.

use super::*;

fn streamed(stream: StreamState) -> PollingFacts {
    PollingFacts {
        stream: Some(stream),
        ..polled_well()
    }
}

#[test]
fn a_stream_comes_after_polls_and_before_devices() {
    assert_causes([
        (
            "connected",
            silent(),
            streamed(StreamState::Connected),
            Some(Reason::NoNewReading),
        ),
        (
            "down",
            silent(),
            PollingFacts {
                absent: true,
                ..streamed(StreamState::Disconnected)
            },
            Some(Reason::StreamDisconnected),
        ),
        (
            "silent",
            silent(),
            PollingFacts {
                last_rejection: super::refusals::refused(1, false).last_rejection,
                ..streamed(StreamState::Silent)
            },
            Some(Reason::StreamSilent),
        ),
        (
            "down beside failing polls",
            silent(),
            PollingFacts {
                stream: Some(StreamState::Disconnected),
                ..failed(ErrorClass::Unavailable)
            },
            Some(Reason::ProviderUnavailable),
        ),
    ]);
    let whose = |stream| {
        let device = silent();
        let health = evaluate(&device, Policy::default(), now());
        root_cause(&device, &health, &streamed(stream), now()).map(|cause| cause.responsibility)
    };
    assert_eq!(whose(StreamState::Disconnected), Some(Responsibility::Ours));
    assert_eq!(whose(StreamState::Refused), Some(Responsibility::Provider));
}
