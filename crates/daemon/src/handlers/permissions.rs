//! What agents may do: the table, and the founder's rules.

use contract::*;
use store::{CompanyRow, NewRule};

use crate::app::App;
use crate::hub::Touched;
use crate::{companies, runs};

pub async fn table(app: &App, company: CompanyRef) -> Result<PermissionTable, Error> {
    let row = companies::resolve(app, company).await?;
    table_of(app, &row).await
}

pub async fn set(app: &App, params: PermissionSetParams) -> Result<PermissionTable, Error> {
    let row = companies::resolve(app, params.company).await?;
    let PermissionSetParams { agent, act, subject, verdict, origin, .. } = params;
    if let Some(role) = &agent {
        let loaded = companies::load(&row).await?;
        if loaded.agent(role).is_none() {
            return Err(Error::new(
                ErrorCode::AGENT_NOT_FOUND,
                format!("{} has no agent {:?}.", row.name, one_line(role, 60)),
                "`aicib agent list` lists them.",
            ));
        }
    }
    let subject = subject.filter(|subject| !subject.is_empty());
    let company_id = row.company_id;
    app.store
        .write(move |db| match verdict {
            Some(verdict) => {
                let new = NewRule { company_id, job_id: None, agent, act, subject, verdict, origin };
                db.rule_set(&new, Time::now()).map(|_| ())
            }
            None => db.rule_clear(company_id, None, agent.as_deref(), act, subject.as_deref()),
        })
        .await?;
    told(app, company_id);
    table_of(app, &row).await
}

pub async fn remove(app: &App, rule: RuleRef) -> Result<PermissionTable, Error> {
    let rule = app.store.write(move |db| db.rule_remove(rule.rule_id)).await?;
    told(app, rule.company_id);
    let row = app.store.read(move |db| db.company(rule.company_id)).await?;
    table_of(app, &row).await
}

/// Everybody hears that the rules are others now: the runs at work, and whoever looks on.
pub fn told(app: &App, company_id: CompanyId) {
    app.announce(company_id, &Touched::all(), &[]);
    for run in app.runs.all().into_iter().filter(|run| run.company_id == company_id) {
        tokio::spawn(runs::tell_rules(app.clone(), run));
    }
}

async fn table_of(app: &App, row: &CompanyRow) -> Result<PermissionTable, Error> {
    let company_id = row.company_id;
    let rules = app.store.read(move |db| db.rules(company_id)).await?;
    let loaded = companies::load(row).await?;
    let no_commands = loaded.config.commands == Some(false);
    let agents = loaded.team().map(|agent| AgentPermissions {
        role: agent.role.clone(),
        name: agent.name.clone(),
        autonomy: agent.judgement.level.name().to_owned(),
        permissions: Act::ALL
            .map(|act| {
                let verdict = agent.judgement.verdict(act);
                permission(act, verdict, no_commands, &rules, &agent.role)
            })
            .into(),
    });
    let agents = agents.collect();
    Ok(PermissionTable { company_id, agents, rules })
}

/// What holds for an agent where no rule about something exact fits.
fn permission(act: Act, usual: Verdict, no_commands: bool, rules: &[Rule], role: &str) -> Permission {
    if no_commands && act == Act::Command {
        return Permission { act, verdict: Verdict::Deny, ground: Ground::Config };
    }
    let of_act = |rule: &&Rule| rule.act == act && rule.subject.is_none() && rule.job_id.is_none();
    let own = rules.iter().filter(of_act).find(|rule| rule.agent.as_deref() == Some(role));
    let rule = own.or_else(|| rules.iter().filter(of_act).find(|rule| rule.agent.is_none()));
    match rule {
        Some(rule) => Permission { act, verdict: rule.verdict, ground: Ground::Rule },
        None => Permission { act, verdict: usual, ground: Ground::Autonomy },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: i64, agent: Option<&str>, subject: Option<&str>, verdict: Verdict) -> Rule {
        Rule {
            rule_id: RuleId(id),
            company_id: CompanyId(1),
            job_id: None,
            agent: agent.map(str::to_owned),
            act: Act::Command,
            subject: subject.map(str::to_owned),
            verdict,
            created_at: Time(id),
            origin: Origin::Desk,
        }
    }

    #[test]
    fn the_narrower_rule_is_the_one_that_is_shown() {
        let rules = [
            rule(3, Some("cto"), Some("git push"), Verdict::Deny),
            rule(2, None, None, Verdict::Ask),
            rule(1, Some("cto"), None, Verdict::Allow),
        ];
        let of = |role: &str, no_commands| {
            let shown = permission(Act::Command, Verdict::Deny, no_commands, &rules, role);
            (shown.verdict, shown.ground)
        };
        assert_eq!(of("cto", false), (Verdict::Allow, Ground::Rule));
        assert_eq!(of("cmo", false), (Verdict::Ask, Ground::Rule));
        assert_eq!(of("cto", true), (Verdict::Deny, Ground::Config));
        let other = permission(Act::Write, Verdict::Ask, true, &rules, "cto");
        assert_eq!((other.verdict, other.ground), (Verdict::Ask, Ground::Autonomy));
    }
}
