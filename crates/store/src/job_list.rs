//! Jobs by page, as fast among ten thousand as among ten.

use contract::{JobListParams, JobPage, JobSort, JobState, Time, engine_from_name};
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::jobs::{job, select};
use crate::rows::page;
use crate::{Read, StoreError};

impl Read<'_> {
    /// A page of jobs, newest first unless another order is asked for. Other orders read all jobs that fit.
    ///
    /// # Errors
    /// What SQLite said.
    pub fn jobs(&self, list: &JobListParams) -> Result<JobPage, StoreError> {
        let limit = page(list.limit, 50);
        let (sql, values) = query(list, limit + 1, Time::now());
        let mut select = self.conn.prepare_cached(&sql)?;
        let mut jobs = select.query_map(params_from_iter(values), job)?.collect::<Result<Vec<_>, _>>()?;
        let more = jobs.len() as i64 > limit;
        jobs.truncate(limit as usize);
        let next = if more { jobs.last().map(|job| job.job_id) } else { None };
        Ok(JobPage { jobs: self.places(jobs)?, next })
    }
}

/// The page's ids first, and then its rows: what a row takes to make is not spent on those that are not shown.
fn query(list: &JobListParams, rows: i64, now: Time) -> (String, Vec<Value>) {
    let mut values: Vec<Value> = Vec::new();
    let mut filters = String::new();
    let engine = list.engine.as_deref().map(|name| {
        // A name that is no engine's finds nothing.
        engine_from_name(name).map_or(("", ""), |(kind, agent)| (kind.name(), agent))
    });
    let text = |text: &str| Value::Text(text.to_owned());
    for (filter, value) in [
        ("p.company_id = ?", list.company_id.map(|id| Value::Integer(id.0))),
        ("p.session_id = ?", list.session_id.map(|id| Value::Integer(id.0))),
        ("p.created_at >= ?", list.since.map(|at| Value::Integer(at.0))),
        ("p.created_at < ?", list.until.map(|at| Value::Integer(at.0))),
        ("p.id < ?", list.before.map(|id| Value::Integer(id.0))),
        ("+p.engine = ?", engine.map(|(kind, _)| text(kind))),
        ("p.engine_agent = ?", engine.map(|(_, agent)| text(agent))),
        ("p.session_id IN (SELECT id FROM sessions WHERE agent = ?)", list.agent.as_deref().map(text)),
    ] {
        let Some(value) = value else { continue };
        values.push(value);
        filters.push_str(&format!(" AND {}", filter.replace('?', &format!("?{}", values.len()))));
    }
    values.push(Value::Integer(rows));
    let limit = values.len();
    // From a closed set of our own names, each at most once.
    let names: Vec<&str> = JobState::ALL.iter().filter(|state| list.states.contains(state)).map(|s| s.name()).collect();
    let states = if names.is_empty() { String::new() } else { format!(" AND p.state IN ('{}')", names.join("','")) };
    if list.sort != JobSort::Newest {
        values.push(Value::Integer(list.offset.max(0)));
        let offset = values.len();
        let order = match list.sort {
            JobSort::Oldest => "{}.id",
            JobSort::Cost => "{}.cost_nanos DESC, {}.id DESC",
            JobSort::Newest | JobSort::Duration => {
                values.push(Value::Integer(now.0));
                "CASE WHEN {}.started_at IS NULL THEN -1 ELSE coalesce({}.finished_at, ?now) - {}.started_at END DESC, \
                 {}.id DESC"
            }
        };
        let order = order.replace("?now", &format!("?{}", values.len()));
        let (inner, outer) = (order.replace("{}", "p"), order.replace("{}", "j"));
        let ids = format!(
            "SELECT p.id FROM jobs p WHERE 1{states}{filters} ORDER BY {inner} LIMIT ?{limit} OFFSET ?{offset}"
        );
        return (select(&format!("WHERE j.id IN ({ids}) ORDER BY {outer}")), values);
    }
    let ids = if names.is_empty() {
        format!("SELECT p.id FROM jobs p {} WHERE 1{filters}", index(list))
    } else if list.session_id.is_some() {
        format!("SELECT p.id FROM jobs p {} WHERE 1{states}{filters}", index(list))
    } else {
        // A search a state, each by id from the index: they are merged, not sorted.
        let of_state =
            |name: &&str| format!("SELECT p.id FROM jobs p {} WHERE p.state = '{name}'{filters}", index(list));
        names.iter().map(of_state).collect::<Vec<_>>().join(" UNION ALL ")
    };
    let page = format!("WHERE j.id IN (SELECT * FROM ({ids} ORDER BY 1 DESC LIMIT ?{limit})) ORDER BY j.id DESC");
    (select(&page), values)
}

/// The index that serves, whatever SQLite thinks of how the rows are spread.
fn index(list: &JobListParams) -> &'static str {
    match (list.session_id, list.company_id, list.states.is_empty()) {
        (Some(_), _, _) => "INDEXED BY jobs_session",
        (None, Some(_), true) => "INDEXED BY jobs_company",
        (None, Some(_), false) => "INDEXED BY jobs_company_state",
        (None, None, true) => "",
        (None, None, false) => "INDEXED BY jobs_state",
    }
}

#[cfg(test)]
mod tests {
    use contract::{CompanyId, JobId, SessionId, Time};
    use rusqlite::Connection;

    use super::*;
    use crate::schema::MIGRATIONS;

    /// Every way to list reads what it shows, and in the order in which it lies: nothing is sorted but the page.
    #[test]
    fn every_list_comes_from_an_index() {
        let conn = Connection::open_in_memory().unwrap();
        conn.pragma_update(None, "foreign_keys", false).unwrap();
        MIGRATIONS.iter().for_each(|(_, sql)| conn.execute_batch(sql).unwrap());
        let states = [vec![], vec![JobState::Failed], vec![JobState::Failed, JobState::Queued, JobState::Running]];
        for (mask, states) in (0..16).flat_map(|mask| states.iter().map(move |states| (mask, states.clone()))) {
            let list = JobListParams {
                company_id: (mask & 1 != 0).then_some(CompanyId(1)),
                session_id: (mask & 2 != 0).then_some(SessionId(1)),
                since: (mask & 4 != 0).then_some(Time(1)),
                before: (mask & 8 != 0).then_some(JobId(100)),
                states,
                ..JobListParams::default()
            };
            let (sql, values) = query(&list, 51, Time(0));
            let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = explain.query_map(params_from_iter(values), |row| row.get::<_, String>("detail")).unwrap();
            let plan: Vec<String> = steps.map(Result::unwrap).collect();
            let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
            // Without a filter the newest rows are the table's last.
            let scanned = plan.iter().any(|step| step.starts_with("SCAN p")) && !index(&list).is_empty();
            assert!(!sorted && !scanned, "{list:?}: {plan:#?}");
        }
    }
}
