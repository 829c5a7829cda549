//! Waiting for what others do, never for a time.

use std::time::Duration;

use tokio::time::Instant;

/// How often a condition is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// Waits until `cond` holds. False when it does not within `bound`.
pub async fn wait_for(bound: Duration, mut cond: impl FnMut() -> bool) -> bool {
    wait_for_some(bound, || cond().then_some(())).await.is_some()
}

/// Waits until `look` finds something. None when it does not within `bound`.
pub async fn wait_for_some<T>(bound: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + bound;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        tokio::time::sleep(EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_condition_or_the_bound() {
        let mut looks = 0;
        let found = wait_for(Duration::from_secs(5), || {
            looks += 1;
            looks == 3
        });
        assert!(found.await);
        assert!(!wait_for(Duration::from_millis(10), || false).await);
    }
}
