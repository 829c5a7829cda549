//! What a call costs, worked out apart from the engine's own table, so that a test can compare the two.

use crate::Usage;

/// Nano-dollars of a call. Opus costs 5 and 25 dollars a million tokens in and out, Haiku 1 and 5, GPT-5 1.25 and 10,
/// everything else 3 and 15; reading from the cache a tenth of the input price, writing to it 1.25 times, and with
/// OpenAI what any input costs.
pub fn cost_nanos(model: &str, usage: &Usage) -> i64 {
    let (input, output) = match model {
        m if m.contains("opus") => (5_000, 25_000),
        m if m.contains("haiku") => (1_000, 5_000),
        m if m.starts_with("gpt-5") => (1_250, 10_000),
        _ => (3_000, 15_000),
    };
    if model.starts_with("gpt-") {
        return (usage.input + usage.cache_write) * input + usage.output * output + usage.cache_read * input / 10;
    }
    usage.input * input + usage.output * output + usage.cache_read * input / 10 + usage.cache_write * input * 5 / 4
}
