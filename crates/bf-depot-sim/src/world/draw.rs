//! Random draws that depend on nothing but their names.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The number from which everything about one vehicle is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct VehicleSeed(u64);

impl VehicleSeed {
    /// The same external id in two accounts is two vehicles.
    pub(super) fn new(seed: u64, account: &str, external_id: &str) -> Self {
        let text = [
            &seed.to_le_bytes()[..],
            account.as_bytes(),
            &[0],
            external_id.as_bytes(),
        ]
        .concat();
        Self(fnv1a(&text))
    }

    /// Draws for what the vehicle is.
    pub(super) fn traits(self) -> ChaCha8Rng {
        self.stream(0)
    }

    /// Draws for one shift, independent of all other shifts and reached without them.
    pub(super) fn shift(self, number: u64) -> ChaCha8Rng {
        self.stream(number + 1)
    }

    fn stream(self, number: u64) -> ChaCha8Rng {
        let mut draws = ChaCha8Rng::seed_from_u64(self.0);
        draws.set_stream(number);
        draws
    }
}

/// FNV-1a, 64 bits: written out because the standard library promises no stable hash, and a seed must
/// give the same world after a compiler update.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
