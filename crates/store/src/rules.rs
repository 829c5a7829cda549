//! The founder's rules on what agents may do.

use contract::{Act, CompanyId, Error, ErrorCode, JobId, Origin, Rule, RuleId, Time, Verdict};
use rusqlite::{OptionalExtension, Row, params};

use crate::rows::{named, time};
use crate::{Missing, Read, StoreError, Write};

/// Rules of a company, at most, and rules of one job.
const MOST: i64 = 500;
/// Bytes of what a rule is exactly about: as long as a command that somebody reads before saying "always".
const SUBJECT: usize = 16 * 1024;

/// A rule to be made: it takes the place of one about the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// The company it holds in.
    pub company_id: CompanyId,
    /// The job it holds for; none for all.
    pub job_id: Option<JobId>,
    /// The agent it holds for (role); none for all.
    pub agent: Option<String>,
    /// What it is about.
    pub act: Act,
    /// What exactly; none for all acts of the kind.
    pub subject: Option<String>,
    /// What holds.
    pub verdict: Verdict,
    /// From which door it comes.
    pub origin: Origin,
}

fn rule(row: &Row<'_>) -> rusqlite::Result<Rule> {
    Ok(Rule {
        rule_id: RuleId(row.get("id")?),
        company_id: CompanyId(row.get("company_id")?),
        job_id: row.get::<_, Option<i64>>("job_id")?.map(JobId),
        agent: row.get("agent")?,
        act: named(row, "act", Act::from_name)?,
        subject: row.get("subject")?,
        verdict: named(row, "verdict", Verdict::from_name)?,
        created_at: time(row, "created_at")?,
        origin: named(row, "origin", Origin::from_name)?,
    })
}

impl Read<'_> {
    /// The company's rules, newest first, those for single jobs included; at most 500.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn rules(&self, company: CompanyId) -> Result<Vec<Rule>, StoreError> {
        let mut select =
            self.conn.prepare_cached("SELECT * FROM rules WHERE company_id = ?1 ORDER BY id DESC LIMIT ?2")?;
        let rows = select.query_map(params![company.0, MOST], rule)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The rules that hold for a job of the company's, newest first.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn rules_for(&self, company: CompanyId, job: JobId) -> Result<Vec<Rule>, StoreError> {
        let mut select = self.conn.prepare_cached(
            "SELECT * FROM rules WHERE company_id = ?1 AND (job_id IS NULL OR job_id = ?2) ORDER BY id DESC LIMIT ?3",
        )?;
        let rows = select.query_map(params![company.0, job.0, 2 * MOST], rule)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A rule.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn rule(&self, id: RuleId) -> Result<Rule, StoreError> {
        let mut select = self.conn.prepare_cached("SELECT * FROM rules WHERE id = ?1")?;
        select.query_row([id.0], rule).optional()?.ok_or(StoreError::NotFound(Missing::Rule(id)))
    }
}

impl Write<'_> {
    /// Makes a rule, in place of one about the same thing.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for one rule too many, or one about something too long.
    pub fn rule_set(&self, new: &NewRule, at: Time) -> Result<Rule, StoreError> {
        let refused = |what: String, fix: &str| Err(Error::new(ErrorCode::BAD_REQUEST, what, fix).into());
        if new.subject.as_ref().is_some_and(|subject| subject.len() > SUBJECT) {
            return refused(
                format!("A rule cannot be about something longer than {} KB.", SUBJECT / 1024),
                "Allow it this once.",
            );
        }
        self.rule_clear(new.company_id, new.job_id, new.agent.as_deref(), new.act, new.subject.as_deref())?;
        let mut count = self
            .conn
            .prepare_cached("SELECT count(*) FROM rules WHERE company_id = ?1 AND ifnull(job_id, 0) = ifnull(?2, 0)")?;
        let there: i64 = count.query_row(params![new.company_id.0, new.job_id.map(|job| job.0)], |row| row.get(0))?;
        if there >= MOST {
            return refused(format!("There are {there} rules, as many as there may be."), "Take some away first.");
        }
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO rules (company_id, job_id, agent, act, subject, verdict, created_at, origin)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let id = insert.insert(params![
            new.company_id.0,
            new.job_id.map(|job| job.0),
            new.agent,
            new.act.name(),
            new.subject,
            new.verdict.name(),
            at.0,
            new.origin.name(),
        ])?;
        self.rule(RuleId(id))
    }

    /// Takes the rule about exactly that away, where there is one.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn rule_clear(
        &self,
        company: CompanyId,
        job: Option<JobId>,
        agent: Option<&str>,
        act: Act,
        subject: Option<&str>,
    ) -> Result<(), StoreError> {
        let mut delete = self.conn.prepare_cached(
            "DELETE FROM rules WHERE company_id = ?1 AND job_id IS ?2 AND agent IS ?3 AND act = ?4 AND subject IS ?5",
        )?;
        delete.execute(params![company.0, job.map(|job| job.0), agent, act.name(), subject])?;
        Ok(())
    }

    /// Takes a rule away, and says which it was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn rule_remove(&self, id: RuleId) -> Result<Rule, StoreError> {
        let rule = self.rule(id)?;
        self.conn.prepare_cached("DELETE FROM rules WHERE id = ?1")?.execute([id.0])?;
        Ok(rule)
    }
}
