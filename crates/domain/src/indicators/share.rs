//! Percentages and percentiles, computed alike for every figure.

/// Returns a share in percent, rounded to two decimals; `None` of nothing.
pub fn percent_of(part: i64, whole: i64) -> Option<f64> {
    Some(f64::from(hundredths_of(part, whole)?) / 100.0)
}

/// Returns a share in hundredths of a percent, which compare exactly; `None` of nothing.
pub fn hundredths_of(part: i64, whole: i64) -> Option<u32> {
    let (part, whole) = (i128::from(part), i128::from(whole));
    if whole <= 0 {
        return None;
    }
    u32::try_from((part * 10_000 + whole / 2) / whole).ok()
}

/// Returns the percentile by nearest rank: the smallest of the sorted values that so many percent of them do
/// not exceed; `None` of nothing.
pub fn percentile<T: Copy>(sorted: &[T], percent: usize) -> Option<T> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_share_is_rounded_to_two_decimals_and_of_nothing_there_is_none() {
        for (part, whole, percent) in [
            (2_009, 2_016, Some(99.65)),
            (0, 7, Some(0.0)),
            (7, 7, Some(100.0)),
            (1, 3, Some(33.33)),
            (2, 3, Some(66.67)),
            (600_000_000_000_000, 604_800_000_000_000, Some(99.21)),
            (0, 0, None),
        ] {
            assert_eq!(percent_of(part, whole), percent, "{part} of {whole}");
        }
    }

    proptest! {
        #[test]
        fn a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(
            mut values in prop::collection::vec(0_u16..50, 0..200), percent in 1_usize..=100,
        ) {
            values.sort_unstable();
            let enough = |value: u16| {
                let at_most = values.iter().filter(|other| **other <= value).count();
                at_most * 100 >= percent * values.len()
            };
            let smallest = values.iter().copied().find(|value| enough(*value));
            prop_assert_eq!(percentile(&values, percent), smallest);
        }
    }
}
