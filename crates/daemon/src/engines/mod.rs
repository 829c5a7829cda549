//! Which engine a brief runs on, and what a run has to know of it.
//!
//! A company names its engine (`engines.use`, else `engine.mode`), an agent may name one of its own, and the founder's
//! settings say where providers and programs are and who pays. Where an engine is out of quota or down, the company's
//! `engines.fallback` takes the next brief, and never one that is under way.

pub mod address;
mod choice;
pub mod marks;
mod plan;
mod stand;

use std::collections::BTreeMap;

use contract::{Confined, Confinement, EngineKind, Error, Sandbox, Settings, Time, engine_from_name};
use process::sandbox::Level;

use crate::app::Daemon;
use crate::clis::{self, Clis};
pub use choice::choose;
use marks::Marks;
pub use plan::{Planned, of_run};
pub use stand::{KeyState, Stand};

/// The name of our choice between practice and a real model, in a config.
const AUTO: &str = "auto";

/// What all engines' standing follows from, as of one moment.
pub struct Ground {
    /// The founder's settings.
    pub settings: Settings,
    /// The engines that are away.
    pub marks: Marks,
    keys: BTreeMap<String, KeyState>,
    confined: Confined,
}

impl Ground {
    /// Reads it.
    ///
    /// # Errors
    /// The database's.
    pub async fn read(daemon: &Daemon) -> Result<Ground, Error> {
        let (settings, marks) = daemon.store.read(|db| Ok((db.settings()?, marks::read(db, Time::now())?))).await?;
        let kept = daemon.secrets.all_kept().await?;
        let keys = kept.into_iter().map(|(provider, (kept, lost))| (provider, KeyState { kept: Some(kept), lost }));
        let keys = keys.collect();
        let confined = confinement(&settings).level;
        Ok(Ground { settings, marks, keys, confined })
    }

    /// What is known of a provider's key.
    pub fn key(&self, provider: Option<&str>) -> KeyState {
        provider.and_then(|provider| self.keys.get(provider)).copied().unwrap_or_default()
    }

    /// How the engine of that name stands; none where there is no such engine.
    pub async fn stand(&self, clis: &Clis, name: &str) -> Option<Stand> {
        let (kind, _) = engine_from_name(name)?;
        if !kind.is_program() {
            return Some(stand::of_api(kind, self.key(kind.provider()), &self.settings));
        }
        let cli = clis::of(name)?;
        let look = clis.look(&cli, &self.settings).await;
        Some(stand::of_program(&cli, look, self.key(cli.provider), &self.settings, self.confined))
    }

    /// How every engine stands, the ones that are ready first, practice last.
    pub async fn all(&self, clis: &Clis) -> Vec<Stand> {
        let apis = [EngineKind::AnthropicApi, EngineKind::OpenaiApi].map(|kind| kind.name().to_owned());
        let programs = clis::all();
        // The programs are asked at the same time: each takes its while.
        let mut names: Vec<String> = apis.into();
        names.extend(programs.iter().map(clis::Cli::name));
        names.push(EngineKind::Practice.name().to_owned());
        let looks = names.iter().map(|name| self.stand(clis, name));
        let mut stands: Vec<Stand> = futures_util::future::join_all(looks).await.into_iter().flatten().collect();
        stands.sort_by_key(|stand| (stand.problem.is_some(), stand.kind == EngineKind::Practice));
        stands
    }

    /// The engine that a name in a config stands for.
    fn named<'n>(&self, name: &'n str) -> &'n str {
        match name {
            AUTO if self.key(EngineKind::AnthropicApi.provider()).kept.is_some() => EngineKind::AnthropicApi.name(),
            AUTO => EngineKind::Practice.name(),
            name => name,
        }
    }
}

/// The model that the settings name for an engine, where they do.
pub fn model_of_settings(settings: &Settings, kind: EngineKind) -> Option<String> {
    Some(settings.openai_model.clone()).filter(|model| kind == EngineKind::OpenaiApi && !model.is_empty())
}

/// How far agents' programs and commands are confined on this machine, with these settings.
pub fn confinement(settings: &Settings) -> Confinement {
    let support = process::sandbox::support();
    let missing = support.missing.join("; ");
    let required = settings.sandbox == Sandbox::Required;
    let (level, detail, fix) = match (settings.sandbox, support.level) {
        (Sandbox::Off, _) => (
            Confined::No,
            "Confinement is switched off: agents' programs and commands can do what you can do.".to_owned(),
            "Confine them again: `aicib settings set sandbox auto`, or in Settings.",
        ),
        (_, Level::Full) => (Confined::Full, "Agents' programs and commands are confined.".to_owned(), ""),
        (_, Level::Partly) => (
            Confined::Partly,
            format!("Agents' programs and commands are confined in part: {missing}."),
            "A newer kernel has the rest; docs/security.md says what it is for.",
        ),
        (_, Level::No) if required => (
            Confined::No,
            format!("Nothing can be confined here, and the settings require it: {missing}."),
            "To work without: `aicib settings set sandbox auto`, or in Settings. Or use a system that can.",
        ),
        (_, Level::No) => (
            Confined::No,
            format!("Agents' programs and commands cannot be confined, and can do what you can do: {missing}."),
            "A Linux kernel from 5.13 on with Landlock switched on can.",
        ),
    };
    Confinement { level, detail, fix: fix.to_owned() }
}
