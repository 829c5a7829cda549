//! A company whose agents have engines of their own: work goes from one to the other and back.

use contract::{EngineKind, EngineSpec, EventBody};
use testkit::{On, Script, Turn};

use crate::engines::KEY;
use crate::trial::Trial;

/// The CEO is on the engine under test, the head on an API.
pub async fn to_another(trial: Trial) {
    let spec = trial.brief("x").spec;
    let api = api(&trial);
    hand_over(trial, spec, api).await;
}

/// The CEO is on an API, the head on the engine under test.
pub async fn from_another(trial: Trial) {
    let spec = trial.brief("x").spec;
    let api = api(&trial);
    hand_over(trial, api, spec).await;
}

fn api(trial: &Trial) -> EngineSpec {
    EngineSpec {
        kind: EngineKind::AnthropicApi,
        base_url: Some(trial.provider.url()),
        api_key: Some(KEY.to_owned()),
        pace: 1.0,
        agent: String::new(),
        model: None,
        program: None,
        args: Vec::new(),
    }
}

async fn hand_over(trial: Trial, of_the_ceo: EngineSpec, of_the_head: EngineSpec) {
    let by_the_head = [
        Turn::write(&trial.folder.dir, "docs/facts.md", "# Facts\n").usage(700, 50, 0, 0),
        Turn::text("The facts are in docs/facts.md.").usage(800, 30, 0, 0),
    ];
    let by_the_ceo = [
        Turn::delegate("cto", "Collect the facts, please.").usage(1_000, 60, 0, 0),
        Turn::text("The CTO has the facts.").usage(1_400, 20, 0, 0),
    ];
    let script = Script::default().when(On::Said("Collect the facts".into()), by_the_head).when(On::Any, by_the_ceo);
    trial.provider.play(script);
    let mut brief = trial.brief("Get the facts together");
    brief.agent = "ceo".into();
    brief.spec = of_the_ceo;
    brief.engines.insert("cto".into(), of_the_head);
    let ending = trial.run(&brief).await;
    trial.completed(&ending, "The CTO has the facts.");
    let ended =
        trial.host.has(|body| matches!(body, EventBody::DelegationFinished { ok: true, to, .. } if to == "cto"));
    assert!(ended && trial.file("docs/facts.md").exists(), "{}", trial.story());
    let entries = trial.host.entries.lock().unwrap().clone();
    let used = |agent: &str| entries.iter().any(|entry| entry.agent == agent && entry.body.kind() == "usage");
    assert!(used("ceo") && used("cto"), "each pays in its own name: {}", trial.story());
    let begun = entries.iter().find(|entry| entry.body.kind() == "engine_started").expect("the program begins");
    let is_ceo = brief.spec.kind.is_program();
    assert_eq!(begun.agent, if is_ceo { "ceo" } else { "cto" }, "{begun:?}");
    let told =
        trial.provider.requests().iter().any(|request| request.body.to_string().contains("are in docs/facts.md"));
    assert!(told, "the CEO is told what came back");
}
