//! The flags that make the scheduler of `dev` as irregular as EventBridge.

use clap::value_parser;
use scheduling::Disturbances;

/// The flags for disturbed triggers. `poll-cycles` then shows which slots are missed, recovered or refused as
/// duplicates, and that cycles go on.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct DisturbanceFlags {
    /// Triggers fire anywhere within so many seconds of their minute, and cycles are due that much later.
    /// EventBridge needs 60.
    #[arg(long = "trigger-spread", value_name = "SECONDS", default_value_t = 0, value_parser = value_parser!(u32).range(0..=60))]
    spread_seconds: u32,
    /// The percentage of triggers that come a second time.
    #[arg(long = "trigger-duplicates", value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u32).range(0..=100))]
    duplicates_percent: u32,
    /// The percentage of triggers that come up to three minutes late.
    #[arg(long = "trigger-delays", value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u32).range(0..=100))]
    delays_percent: u32,
    /// The percentage of triggers that never come. 100 is an EventBridge that is silent.
    #[arg(long = "trigger-gaps", value_name = "PERCENT", default_value_t = 0, value_parser = value_parser!(u32).range(0..=100))]
    gaps_percent: u32,
}

impl DisturbanceFlags {
    /// The disturbances for the scheduler.
    pub fn disturbances(self) -> Disturbances {
        Disturbances {
            spread_seconds: self.spread_seconds,
            duplicates_percent: self.duplicates_percent,
            delays_percent: self.delays_percent,
            gaps_percent: self.gaps_percent,
        }
    }
}
