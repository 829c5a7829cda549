//! What stands before a conversation begins: what the agent is told, what it may call, and the way to us.

use std::path::{Path, PathBuf};

use company::AgentFile;
use company::prompt::PromptOptions;
use contract::limits::MAX_EVENT_TEXT_BYTES;
use contract::{Confined, EngineSpec, Error, EventBody, clip, one_line};
use tokio::sync::mpsc;

use super::{Manners, Report};
use crate::bridge::{Bridge, BridgeCall, Dialect, Seat};
use crate::delegation::MAX_DEPTH;
use crate::model::ToolSpec;
use crate::play::{Desk, Fell, Play};
use crate::prices::Prices;
use crate::tools::Tool;

/// What stands for all processes of one conversation.
pub(super) struct Ground {
    /// What the agent is told before all else.
    pub system: String,
    /// The model to ask for; none for the program's own choice.
    pub model: Option<String>,
    /// Agents that the program hands work to by itself: the reports, and theirs.
    pub reports: Vec<Report>,
    /// The folder for its temporary files.
    pub tmp_dir: PathBuf,
    /// Its place at the bridge.
    pub seat: Option<Seat>,
    /// The names of what the agent may use, as events have them.
    tools: Vec<String>,
}

/// The bridge, and what the conversation asks for there.
pub(super) type Post = (Bridge, mpsc::Receiver<BridgeCall>);

impl Ground {
    /// Prepares a conversation.
    pub async fn lay(
        play: &Play<'_>,
        desk: &Desk<'_>,
        spec: &EngineSpec,
        manners: &Manners,
    ) -> Result<(Ground, Option<Post>), Fell> {
        let staff = Staff { play, spec, hands_out: manners.hands_out };
        let tmp_dir = play.brief.tmp_dir.join(format!("p{}", desk.number));
        make(&tmp_dir)?;
        make(&play.brief.state_dir)?;
        let reports = staff.below(desk, manners.words);
        let ours = staff.our_tools(desk);
        let mut names: Vec<String> = ours.iter().map(|tool| tool.name.to_owned()).collect();
        if !reports.is_empty() && !names.iter().any(|name| name == Tool::Delegate.name()) {
            names.push(Tool::Delegate.name().to_owned());
        }
        let own: Vec<String> = staff.tools_of(desk.agent, false);
        let options = PromptOptions {
            tools: names.iter().cloned().chain(own.iter().map(|tool| tool.to_lowercase())).collect(),
            commands: own.iter().any(|tool| tool == "Bash"),
            max_cost_usd: play.brief.limits.max_cost_usd,
            journal: if desk.depth == 0 { play.brief.journal.clone() } else { Vec::new() },
        };
        let system = company::prompt::system(&play.brief.company, desk.agent, &options);
        let (seat, post) = seat(play, spec, ours).await?;
        let ground = Ground {
            system: with(system, manners.words),
            model: model(desk, spec, manners),
            reports,
            tmp_dir,
            seat,
            tools: own.into_iter().chain(names).collect(),
        };
        Ok((ground, post))
    }

    /// The model, for the books.
    pub fn model_name(&self, spec: &EngineSpec) -> String {
        self.model.clone().unwrap_or_else(|| spec.kind.name().to_owned())
    }

    /// What the agent is told before it begins, as an event.
    pub fn prompt(&self, spec: &EngineSpec, message: &str) -> EventBody {
        EventBody::Prompt {
            model: self.model_name(spec),
            system: self.system.clone(),
            message: clip(message, MAX_EVENT_TEXT_BYTES).into_owned(),
            tools: self.tools.clone(),
        }
    }
}

/// Who works for whom on which engine.
struct Staff<'s> {
    play: &'s Play<'s>,
    spec: &'s EngineSpec,
    hands_out: bool,
}

impl<'s> Staff<'s> {
    /// Tools of ours that the agent calls over the bridge.
    fn our_tools(&self, desk: &Desk<'_>) -> Vec<ToolSpec> {
        let mut tools = Vec::new();
        let mut reports = self.play.brief.company.reports(&desk.agent.role);
        reports.retain(|report| may_lead(desk) && (!self.hands_out || self.has_own(&report.role)));
        if !reports.is_empty() {
            let roles: Vec<_> = reports.iter().map(|report| (report.role.as_str(), report.name.as_str())).collect();
            tools.push(Tool::Delegate.spec(&roles));
        }
        if desk.depth == 0 {
            tools.push(Tool::AskFounder.spec(&[]));
        }
        tools
    }

    /// Whether an agent's engine is another than the one that plays here.
    fn has_own(&self, role: &str) -> bool {
        let other = self.play.brief.engine_of(role);
        (other.kind, &other.agent) != (self.spec.kind, &self.spec.agent)
    }

    /// The tools of an agent's file, as far as they are to be had. `leads`: whether it hands work on there.
    fn tools_of(&self, agent: &AgentFile, leads: bool) -> Vec<String> {
        let brief = self.play.brief;
        let commands = brief.company.config.commands.unwrap_or(brief.confined != Confined::No);
        let has = |tool: &&String| match tool.as_str() {
            "Delegate" => leads,
            "Bash" => commands,
            _ => true,
        };
        agent.tools.iter().filter(has).cloned().collect()
    }

    /// Agents that the program hands work to by itself.
    fn below(&self, desk: &Desk<'_>, words: &str) -> Vec<Report> {
        let mut out: Vec<Report> = Vec::new();
        if !self.hands_out || !may_lead(desk) {
            return out;
        }
        let company = &self.play.brief.company;
        let mut level = vec![desk.agent];
        for depth in desk.depth + 1..=MAX_DEPTH {
            let below = level.iter().flat_map(|head| company.reports(&head.role));
            let mut next: Vec<&AgentFile> = below.filter(|report| !self.has_own(&report.role)).collect();
            next.retain(|agent| out.iter().all(|known| known.role != agent.role));
            for agent in &next {
                let leads = depth < MAX_DEPTH && !company.reports(&agent.role).is_empty();
                let tools = self.tools_of(agent, leads);
                let options = PromptOptions {
                    tools: tools.iter().map(|tool| tool.to_lowercase()).collect(),
                    commands: tools.iter().any(|tool| tool == "Bash"),
                    max_cost_usd: self.play.brief.limits.max_cost_usd,
                    journal: Vec::new(),
                };
                out.push(Report {
                    role: agent.role.clone(),
                    description: one_line(&format!("{}, {}", agent.name, agent.title), 200),
                    prompt: with(company::prompt::system(company, agent, &options), words),
                    model: agent.model.clone(),
                    tools,
                });
            }
            level = next;
        }
        out
    }
}

fn may_lead(desk: &Desk<'_>) -> bool {
    desk.depth < MAX_DEPTH && desk.agent.tools.iter().any(|tool| tool == "Delegate")
}

/// Whether the model's calls are paid with a key of ours.
pub(super) fn is_ours_to_pay(spec: &EngineSpec) -> bool {
    let has_key = spec.api_key.as_deref().is_some_and(|key| !key.trim().is_empty());
    has_key && Dialect::of(spec).is_some()
}

/// Takes a place at the bridge, where there is anything to be had there.
async fn seat(play: &Play<'_>, spec: &EngineSpec, tools: Vec<ToolSpec>) -> Result<(Option<Seat>, Option<Post>), Fell> {
    if tools.is_empty() && !is_ours_to_pay(spec) {
        return Ok((None, None));
    }
    let bridge = Bridge::start(play.patience).await?;
    let (prices, _) = Prices::new(&play.brief.company.config.prices);
    let (seat, calls) = bridge.seat(spec, &prices, tools)?;
    Ok((Some(seat), Some((bridge, calls))))
}

fn model(desk: &Desk<'_>, spec: &EngineSpec, manners: &Manners) -> Option<String> {
    let own = spec.model.as_deref().map(str::trim).filter(|model| !model.is_empty());
    let of_agent = manners.is_claude.then(|| desk.agent.model.trim()).filter(|model| !model.is_empty());
    own.or(of_agent).map(str::to_owned)
}

fn with(mut text: String, words: &str) -> String {
    if !words.is_empty() {
        text.push_str(&format!("\n{words}\n"));
    }
    text
}

/// Makes a folder that nobody else may look into.
fn make(dir: &Path) -> Result<(), Error> {
    if dir.as_os_str().is_empty() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|error| Error::internal(format!("{} cannot be made: {error}.", dir.display())))
}
