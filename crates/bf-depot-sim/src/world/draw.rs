//! Random draws that depend only on the seed, the account and the vehicle's id.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The number from which everything about one vehicle is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct VehicleSeed(u64);

impl VehicleSeed {
    /// Derives the number of one vehicle. The same external id in two accounts gives two vehicles.
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

    /// Returns the draws for the vehicle's permanent traits.
    pub(super) fn traits(self) -> ChaCha8Rng {
        self.stream(0)
    }

    /// Returns the draws for one shift, which do not depend on other shifts.
    pub(super) fn shift(self, number: u64) -> ChaCha8Rng {
        self.stream(number + 1)
    }

    fn stream(self, number: u64) -> ChaCha8Rng {
        let mut draws = ChaCha8Rng::seed_from_u64(self.0);
        draws.set_stream(number);
        draws
    }
}

/// Computes the 64-bit FNV-1a hash. The hash is written out because the standard library promises no stable
/// hash, and a seed must give the same vehicles after a compiler update.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
