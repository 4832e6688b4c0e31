//! Token buckets on the monotonic clock.

/// So much in every period, and so much at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What may come in one period.
    pub amount: u64,
    /// The period, milliseconds.
    pub period_ms: u64,
    /// What may come at once.
    pub burst: u64,
}

/// What is left of a rate for one account. It fills evenly, up to the burst.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// What is left, times the period; negative after something larger than the burst was taken.
    level: i128,
    at_mono_ms: u64,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: &Rate, now_mono_ms: u64) -> Self {
        Bucket { level: rate.scaled(rate.burst), at_mono_ms: now_mono_ms }
    }

    /// How long until `cost` may be taken, milliseconds; zero: now. What costs more than the burst
    /// may be taken from a full bucket, and leaves it in debt.
    pub fn wait_ms(&mut self, rate: &Rate, cost: u64, now_mono_ms: u64) -> u64 {
        self.fill(rate, now_mono_ms);
        let missing = rate.scaled(cost.min(rate.burst)) - self.level;
        if missing <= 0 {
            return 0;
        }
        let per_ms = i128::from(rate.amount.max(1));
        u64::try_from((missing + per_ms - 1) / per_ms).unwrap_or(u64::MAX)
    }

    /// Takes `cost`, whether or not it is there.
    pub fn take(&mut self, rate: &Rate, cost: u64, now_mono_ms: u64) {
        self.fill(rate, now_mono_ms);
        self.level -= rate.scaled(cost);
    }

    /// What is left, whole units.
    pub fn left(&self, rate: &Rate, now_mono_ms: u64) -> u64 {
        let mut now = *self;
        now.fill(rate, now_mono_ms);
        u64::try_from(now.level.max(0) / rate.scaled(1)).unwrap_or(u64::MAX)
    }

    fn fill(&mut self, rate: &Rate, now_mono_ms: u64) {
        let elapsed = now_mono_ms.saturating_sub(self.at_mono_ms);
        let filled = self.level + i128::from(elapsed) * i128::from(rate.amount);
        self.level = filled.min(rate.scaled(rate.burst));
        self.at_mono_ms = self.at_mono_ms.max(now_mono_ms);
    }
}

impl Rate {
    fn scaled(&self, units: u64) -> i128 {
        i128::from(units) * i128::from(self.period_ms.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { amount: 60, period_ms: 60_000, burst: 5 };

    #[test]
    fn a_burst_then_one_in_each_share_of_the_period() {
        let mut bucket = Bucket::full(&RATE, 1_000);
        for _ in 0..5 {
            assert_eq!(bucket.wait_ms(&RATE, 1, 1_000), 0);
            bucket.take(&RATE, 1, 1_000);
        }
        assert_eq!(bucket.wait_ms(&RATE, 1, 1_000), 1_000);
        assert_eq!(bucket.wait_ms(&RATE, 1, 1_999), 1);
        assert_eq!(bucket.wait_ms(&RATE, 1, 2_000), 0);
        assert_eq!((bucket.left(&RATE, 2_000), bucket.left(&RATE, 900_000)), (1, 5));
    }

    #[test]
    fn what_is_larger_than_the_burst_goes_when_it_is_full_and_is_paid_for_later() {
        let mut bucket = Bucket::full(&RATE, 0);
        assert_eq!(bucket.wait_ms(&RATE, 30, 0), 0);
        bucket.take(&RATE, 30, 0);
        assert_eq!(bucket.wait_ms(&RATE, 1, 0), 26_000);
        assert_eq!(bucket.wait_ms(&RATE, 30, 0), 30_000);
        assert_eq!(bucket.left(&RATE, 0), 0);
    }

    #[test]
    fn a_clock_that_stands_still_or_leaps_does_no_harm() {
        let rate = Rate { amount: u64::MAX, period_ms: 3_600_000, burst: u64::MAX };
        let mut bucket = Bucket::full(&rate, u64::MAX);
        bucket.take(&rate, u64::MAX, 0);
        assert_eq!(bucket.wait_ms(&rate, 1, 0), 1);
        let never = Rate { amount: 0, period_ms: 60_000, burst: 1 };
        let mut bucket = Bucket::full(&never, 0);
        bucket.take(&never, 1, 0);
        assert_eq!(bucket.wait_ms(&never, 1, 60_000), 60_000);
    }
}
