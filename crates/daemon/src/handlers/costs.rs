//! What a company spent, and of which limits.

use contract::*;
use store::{Limit, Read, StoreError, day_of, last_days, month_of};

use crate::app::App;
use crate::budget::{self, Standing};
use crate::companies;

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days whose spending a forecast goes by.
const FORECAST_DAYS: i64 = 7;
/// Agents' limits that a report has, at most.
const AGENT_LIMITS: usize = 100;

pub async fn report(app: &App, params: CostReportParams) -> Result<CostReport, Error> {
    let row = companies::resolve(app, params.company).await?;
    let (company_id, now) = (row.company_id, Time::now());
    let today = day_of(now);
    let since = params.since.map_or_else(|| Ok(month_of(&today).0), |day| a_day("since", day))?;
    let until = params.until.map_or_else(|| Ok(today.clone()), |day| a_day("until", day))?;
    // A config that does not hold has no limits, and what was spent is to be seen all the same.
    let loaded = companies::load(&row).await.ok();
    let agents: Vec<(String, Money)> = loaded
        .iter()
        .flat_map(|loaded| loaded.agents.iter())
        .filter(|agent| agent.daily_limit > Money::ZERO)
        .map(|agent| (agent.role.clone(), agent.daily_limit))
        .take(AGENT_LIMITS)
        .collect();
    let limits = loaded.as_ref().map(|loaded| budget::limits(loaded, company::CEO)).unwrap_or_default();
    let (by, session_id) = (params.by, params.session_id);
    let (of, to) = (since.clone(), until.clone());
    let (sums, forecast_usd, standings) = app
        .store
        .read(move |db| {
            let sums = db.cost_report(company_id, by, &of, &to, session_id)?;
            let mut standings = standings(db, company_id, session_id, &limits, now)?;
            let spent = db.agent_spend_today(company_id, now)?;
            for (role, limit) in agents {
                let limit = limit.max(db.agent_raised(company_id, &role, now)?);
                let of_agent = spent.get(&role).copied().unwrap_or_default();
                standings.push((Standing::of_cost(Limit::Agent, of_agent, limit), role));
            }
            Ok((sums, forecast(db, company_id, now)?, standings))
        })
        .await?;
    let mut rows = sums.rows;
    if by == CostBy::Agent {
        // The store knows roles alone.
        for row in &mut rows {
            if let Some(agent) = loaded.as_ref().and_then(|loaded| loaded.agent(&row.key)) {
                row.label.clone_from(&agent.name);
            }
        }
    }
    Ok(CostReport {
        since,
        until,
        rows,
        more: sums.more,
        total_usd: sums.total,
        forecast_usd,
        limits: standings
            .iter()
            .filter(|(standing, _)| standing.limit > 0)
            .map(|(standing, role)| standing.used(role))
            .collect(),
        prices_of: PRICES_OF.to_owned(),
        prices_stale: is_stale(now),
    })
}

/// Where the limits of the company stand, and those of a session: the one that is named, else the CEO's open one.
fn standings(
    db: &Read<'_>,
    company_id: CompanyId,
    session_id: Option<SessionId>,
    limits: &store::Limits,
    now: Time,
) -> Result<Vec<(Standing, String)>, StoreError> {
    let mut found = budget::standings(db, company_id, limits, now)?;
    let session = match session_id {
        Some(session) if db.session(session)?.company_id == company_id => Some(session),
        Some(_) => None,
        None => db.open_session(company_id, company::CEO)?,
    };
    if let Some(session) = session {
        found.push(budget::of_session(db, company_id, session, limits)?);
    }
    Ok(found.into_iter().map(|standing| (standing, String::new())).collect())
}

/// What the month will cost: what it has, and for each day that is left as much as the last seven full days cost on
/// average. None where nothing was spent in them.
fn forecast(db: &Read<'_>, company_id: CompanyId, now: Time) -> Result<Option<Money>, StoreError> {
    let today = day_of(now);
    let (first, last) = month_of(&today);
    // Today is under way: it is no day to go by.
    let days = last_days(now, FORECAST_DAYS + 1);
    let (Some(from), Some(to)) = (days.first(), days.iter().rev().nth(1)) else { return Ok(None) };
    let week = db.day_sums(company_id, from, to)?.iter().fold(Money::ZERO, |sum, day| sum + day.cost_usd);
    let month = db.day_sums(company_id, &first, &today)?.iter().fold(Money::ZERO, |sum, day| sum + day.cost_usd);
    Ok(projected(month, week, days_left(&today, &last)))
}

fn projected(month: Money, week: Money, days_left: i64) -> Option<Money> {
    let rest = week.as_nanos() / FORECAST_DAYS;
    (week > Money::ZERO).then(|| month + Money::nanos(rest.saturating_mul(days_left)))
}

/// Days of the month after `today`, by the numbers of the days alone.
fn days_left(today: &str, last: &str) -> i64 {
    let number = |day: &str| day.rsplit('-').next().and_then(|day| day.parse::<i64>().ok());
    number(last).zip(number(today)).map_or(0, |(last, today)| (last - today).max(0))
}

fn is_stale(now: Time) -> bool {
    // Days as text compare as days do.
    day_of(Time(now.0.saturating_sub(PRICES_STALE_DAYS * DAY_MS))).as_str() > PRICES_OF
}

/// A local day, as the report takes it.
fn a_day(name: &str, day: String) -> Result<String, Error> {
    let parts: Vec<Option<u32>> = day.split('-').map(|part| part.parse().ok()).collect();
    let fits = day.len() == 10 && day.is_ascii() && matches!(parts[..], [Some(_), Some(1..=12), Some(1..=31)]);
    if fits {
        return Ok(day);
    }
    Err(Error::new(
        ErrorCode::BAD_REQUEST,
        format!("{name} is no day: {:?}.", one_line(&day, 40)),
        "Write it as 2026-11-20.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_goes_on_as_the_last_seven_days_did() {
        let dollars = |amount| Money::dollars(amount).unwrap();
        assert_eq!(projected(dollars(30.0), dollars(14.0), 10), Some(dollars(50.0)));
        assert_eq!(projected(dollars(30.0), Money::ZERO, 10), None);
        assert_eq!((days_left("2026-11-20", "2026-11-30"), days_left("2026-02-28", "2026-02-28")), (10, 0));
    }

    #[test]
    fn a_day_is_a_day() {
        assert!(a_day("since", "2026-11-20".into()).is_ok());
        for bad in ["", "20.11.2026", "2026-13-01", "2026-1-1", "2026-11-2x", "2026-11-20 OR 1"] {
            assert!(a_day("since", bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn prices_of_long_ago_are_said_to_be_stale() {
        assert!(!is_stale(Time(1_795_000_000_000)), "November 2026");
        assert!(is_stale(Time(1_795_000_000_000 + 200 * DAY_MS)));
    }
}
