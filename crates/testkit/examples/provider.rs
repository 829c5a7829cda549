//! A provider to point `ANTHROPIC_BASE_URL` at: a CEO and two heads play a short brief.
//!
//! `cargo run -p testkit --example provider [PORT]`

use std::sync::{Arc, OnceLock};

use testkit::{Provider, company_play};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let provider: Arc<OnceLock<Arc<Provider>>> = Arc::default();
    let known = provider.clone();
    let tell = move |request: &testkit::Request| {
        let spent = known.get().map_or(0, |provider| provider.spent_nanos());
        println!("{} {} {} · so far {spent} nano-dollars", request.method, request.path, request.model());
    };
    let started = Arc::new(Provider::listen(port, company_play(), Some(Box::new(tell))).await?);
    let _ = provider.set(started.clone());
    println!("export ANTHROPIC_BASE_URL={}", started.url());
    tokio::signal::ctrl_c().await?;
    println!("spent in all: {} nano-dollars", started.spent_nanos());
    Ok(())
}
