//! `aicib permissions`: what agents may do, and the founder's rules on it.

use contract::{
    Act, AgentPermissions, Ground, Origin, PermissionSetParams, PermissionTable, Rule, RuleId, RuleRef, Verdict,
    methods, role_name,
};

use crate::args::{PermissionCommand, PermissionsArgs, RuleArgs};
use crate::commands::which;
use crate::context::{Context, Sheet, number};
use crate::failure::Outcome;
use crate::out::{Ink, Paint};
use crate::text::{columns, fit, line, pad};

/// Columns of an agent's name, at most.
const NAME_COLUMNS: usize = 20;
/// Rules that are shown, at most; `--json` has them all.
const RULES: usize = 40;

/// Shows or changes what agents may do.
pub(crate) async fn permissions(context: &mut Context, args: PermissionsArgs) -> Outcome {
    let daemon = context.daemon().await?;
    let company = which::company(context, &daemon, args.company.as_deref()).await?;
    let company = which::by_id(&company);
    let set = |act, about: RuleArgs, verdict| PermissionSetParams {
        company: company.clone(),
        agent: about.agent,
        act,
        subject: about.exactly,
        verdict,
        origin: Origin::Cli,
    };
    let (table, said) = match args.command {
        None | Some(PermissionCommand::List) => (daemon.call::<methods::PermissionTableGet>(company).await?, None),
        Some(PermissionCommand::Set { act, verdict, about }) => {
            let said = format!("{}: {} from now on.", whose(&about, act), verdict.name());
            (daemon.call::<methods::PermissionSet>(set(act, about, Some(verdict))).await?, Some(said))
        }
        Some(PermissionCommand::Clear { act, about }) => {
            let said = format!("{}: there is no rule any more.", whose(&about, act));
            (daemon.call::<methods::PermissionSet>(set(act, about, None)).await?, Some(said))
        }
        Some(PermissionCommand::Remove { rule }) => {
            let rule_id = RuleId(number(rule.trim_start_matches('#'), "The rule")?);
            let said = format!("Rule {rule_id} is gone.");
            (daemon.call::<methods::RuleRemove>(RuleRef { rule_id }).await?, Some(said))
        }
    };
    if context.out.json {
        return Ok(context.out.value(&table)?);
    }
    if let Some(said) = said {
        context.out.line(&said)?;
        context.out.line("")?;
    }
    for row in table_lines(&table, &context.sheet()) {
        context.out.line(&row)?;
    }
    Ok(())
}

/// What a rule is about, as it was typed.
fn whose(about: &RuleArgs, act: Act) -> String {
    let agent = about.agent.as_deref().map(|role| format!(", {}", line(&role_name(role), 40))).unwrap_or_default();
    let exactly = about.exactly.as_deref().map(|text| format!(", “{}”", line(&contract::visible(text), 200)));
    format!("{}{agent}{}", act.label(), exactly.unwrap_or_default())
}

/// An act as the head of a column.
const fn head(act: Act) -> &'static str {
    match act {
        Act::Read => "READ",
        Act::Write => "WRITE",
        Act::WriteElsewhere => "ELSEWHERE",
        Act::Command => "COMMAND",
        Act::Network => "NETWORK",
        Act::Publish => "PUBLISH",
        Act::Spend => "SPEND",
    }
}

const fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Allow => Ink::Green,
        Verdict::Ask => Ink::Yellow,
        Verdict::Deny => Ink::Red,
    }
}

/// The table, and the rules below it. What is not the level of autonomy's own word is marked.
pub(crate) fn table_lines(table: &PermissionTable, sheet: &Sheet) -> Vec<String> {
    let paint = sheet.paint;
    let names = table.agents.iter().map(|agent| columns(&fit(&agent.name, NAME_COLUMNS)));
    let width = names.max().unwrap_or(0).max("AGENT".len());
    let heads = Act::ALL.map(|act| pad(head(act), head(act).len().max(5)));
    let mut lines = vec![paint.ink(Ink::Dim, &format!("{}  {}", pad("AGENT", width), heads.join("  ")))];
    lines.extend(table.agents.iter().map(|agent| row(agent, width, paint)));
    if table.agents.iter().flat_map(|agent| &agent.permissions).any(|one| one.ground != Ground::Autonomy) {
        lines.push(paint.ink(Ink::Dim, "* by a rule of yours; c: by the company's config (tools.commands)"));
    }
    lines.push(String::new());
    if table.rules.is_empty() {
        lines.push("You have made no rules: the agents' levels of autonomy decide.".to_owned());
        return lines;
    }
    lines.push(paint.ink(Ink::Bold, "Rules"));
    lines.extend(table.rules.iter().take(RULES).map(|rule| rule_line(rule, sheet)));
    if table.rules.len() > RULES {
        lines.push(format!("  and {} more, with --json", table.rules.len() - RULES));
    }
    lines
}

fn row(agent: &AgentPermissions, width: usize, paint: Paint) -> String {
    let mut row = pad(&fit(&agent.name, NAME_COLUMNS), width);
    for act in Act::ALL {
        let Some(one) = agent.permissions.iter().find(|one| one.act == act) else { continue };
        let mark = match one.ground {
            Ground::Autonomy => "",
            Ground::Rule => "*",
            Ground::Config => "c",
        };
        let cell = pad(&format!("{}{mark}", one.verdict.name()), head(act).len().max(5));
        row.push_str(&format!("  {}", paint.ink(ink(one.verdict), &cell)));
    }
    row.trim_end().to_owned()
}

fn rule_line(rule: &Rule, sheet: &Sheet) -> String {
    let who = rule.agent.as_deref().map_or_else(|| "everybody".to_owned(), |role| line(&role_name(role), 40));
    let job = rule.job_id.map(|job| format!(", in job #{job}")).unwrap_or_default();
    let verdict = sheet.paint.ink(ink(rule.verdict), &pad(rule.verdict.name(), 5));
    let facts = format!("{} · {who}{job}", rule.act.label());
    let head = format!("  {:>3}  {verdict}  {facts}", rule.rule_id);
    match &rule.subject {
        None => head,
        // What a rule allows is seen as a whole, on a line of its own.
        Some(subject) => format!("{head}\n       | {}", line(&contract::visible(subject), 4_000)),
    }
}
