//! Limits of a company: what they are, what is said where one is in the way, and the warnings before that.

use company::Company;
use contract::{Band, CompanyId, Error, ErrorCode, LimitUse, Money, NoticeLevel, SessionId, Time, role_name};
use store::{Limit, Read, Refused, StoreError, Used};

/// The limits for calls of an agent, as the config has them. The job's own is not among them: a row has that.
pub fn limits(company: &Company, role: &str) -> store::Limits {
    let config = &company.config;
    store::Limits {
        daily: config.daily_limit,
        monthly: config.monthly_limit,
        session: config.session_limit,
        agent: company.agent(role).map_or(Money::ZERO, |agent| agent.daily_limit),
        job: Money::ZERO,
        daily_tokens: config.daily_tokens,
        monthly_tokens: config.monthly_tokens,
        job_tokens: config.brief_tokens,
    }
}

/// Where the limits of a company stand: day and month, in dollars and in tokens.
///
/// # Errors
/// What the database said.
pub fn standings(
    db: &Read<'_>,
    company: CompanyId,
    limits: &store::Limits,
    now: Time,
) -> Result<Vec<Standing>, StoreError> {
    let spent = db.spend(company, now)?;
    let (of_day, of_month) = db.tokens_used(company, now)?;
    Ok(vec![
        Standing::of_cost(Limit::Daily, spent.today, limits.daily),
        Standing::of_cost(Limit::Monthly, spent.month, limits.monthly),
        Standing::of_tokens(Limit::Daily, of_day, limits.daily_tokens),
        Standing::of_tokens(Limit::Monthly, of_month, limits.monthly_tokens),
    ])
}

/// Where a session's limit stands, as the founder raised it.
///
/// # Errors
/// What the database said.
pub fn of_session(
    db: &Read<'_>,
    company: CompanyId,
    session: SessionId,
    limits: &store::Limits,
) -> Result<Standing, StoreError> {
    let limit = match limits.session {
        Money::ZERO => Money::ZERO,
        limit => limit.max(db.session_raised(company, session)?),
    };
    Ok(Standing::of_cost(Limit::Session, db.session_spent(session)?, limit))
}

/// A limit's names.
struct Named {
    code: ErrorCode,
    /// As a sentence begins ("The daily cost limit").
    what: String,
    /// The key of the config that sets it; none for a brief's own in dollars.
    key: Option<String>,
    /// What else one can do.
    or: &'static str,
}

fn named(which: Limit, agent: &str, in_tokens: bool) -> Named {
    let unit = if in_tokens { "token" } else { "cost" };
    let key = |key: &str| Some(format!("settings.{unit}_limit_{key}"));
    let of = |code, what: String, key, or| Named { code, what, key, or };
    match which {
        Limit::Daily => {
            of(ErrorCode::BUDGET_DAILY, format!("The daily {unit} limit"), key("daily"), ", or wait until tomorrow")
        }
        Limit::Monthly => of(
            ErrorCode::BUDGET_MONTHLY,
            format!("The monthly {unit} limit"),
            key("monthly"),
            ", or wait until next month",
        ),
        Limit::Session => {
            let or = ", or stop the session and start another";
            of(ErrorCode::BUDGET_SESSION, format!("The session's {unit} limit"), key("session"), or)
        }
        Limit::Agent => {
            let key = format!("agents.{agent}.{unit}_limit_daily");
            let what = format!("The daily {unit} limit of the {}", role_name(agent));
            of(ErrorCode::BUDGET_AGENT, what, Some(key), ", or wait until tomorrow")
        }
        Limit::Job if in_tokens => of(ErrorCode::BUDGET_BRIEF, "The brief's token limit".into(), key("brief"), ""),
        Limit::Job => of(ErrorCode::BUDGET_BRIEF, "The brief's own limit".into(), None, ""),
    }
}

impl Named {
    fn fix(&self) -> String {
        match &self.key {
            Some(key) => format!("Raise it with `aicib config set {key} AMOUNT`{}.", self.or),
            None => "Allow it more, or send it again with more: `aicib brief --max-cost AMOUNT`.".into(),
        }
    }
}

/// A call whose worst case does not fit under a limit is not made. What stands in the way is in the error's data too:
/// `key` of the config, and the amounts.
pub fn refused(refused: &Refused, agent: &str, worst: Money, worst_tokens: i64) -> Error {
    match refused.used {
        Used::Cost { spent, limit } => {
            let named = named(refused.which, agent, false);
            let message = format!(
                "{} of {limit} does not cover the next call: {spent} is spent or set aside, and the call may cost up to \
                 {worst}.",
                named.what
            );
            let data = serde_json::json!({
                "key": named.key, "spent_usd": spent, "limit_usd": limit, "worst_usd": worst
            });
            let fix = named.fix();
            Error::new(named.code, message, fix).with(data)
        }
        Used::Tokens { used, limit } => {
            let named = named(refused.which, agent, true);
            let message = format!(
                "{} of {limit} does not cover the next call: {used} tokens are used or set aside, and the call may use \
                 up to {worst_tokens}.",
                named.what
            );
            let data = serde_json::json!({
                "key": named.key, "tokens": used, "limit_tokens": limit, "worst_tokens": worst_tokens
            });
            let fix = named.fix();
            Error::new(named.code, message, fix).with(data)
        }
    }
}

/// E003, E024, E025: a limit that is used up refuses a brief before any model call.
///
/// # Errors
/// `budget.*`: how much is used, the limit, and how to raise it.
pub fn check(standings: &[Standing], agent: &str) -> Result<(), Error> {
    let Some(full) = standings.iter().find(|standing| standing.limit > 0 && standing.used >= standing.limit) else {
        return Ok(());
    };
    let named = named(full.which, agent, full.in_tokens);
    let mut what = named.what.strip_prefix("The ").unwrap_or(&named.what).to_owned();
    if let Some(first) = what.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let (used, limit) = full.amounts();
    let fix = named.fix();
    let error = Error::new(named.code, format!("{what} reached ({used} / {limit})."), fix);
    Err(if full.in_tokens {
        error.with(serde_json::json!({ "tokens": full.used, "limit_tokens": full.limit }))
    } else {
        error.with(serde_json::json!({ "spent_usd": Money::nanos(full.used), "limit_usd": Money::nanos(full.limit) }))
    })
}

/// Where a limit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub which: Limit,
    /// Whether it is one of tokens; else the numbers are nano-dollars.
    pub in_tokens: bool,
    /// What is used.
    pub used: i64,
    /// The limit; zero means none.
    pub limit: i64,
}

impl Standing {
    /// A limit in dollars.
    pub fn of_cost(which: Limit, spent: Money, limit: Money) -> Standing {
        Standing { which, in_tokens: false, used: spent.as_nanos(), limit: limit.as_nanos() }
    }

    /// A limit in tokens.
    pub fn of_tokens(which: Limit, used: i64, limit: i64) -> Standing {
        Standing { which, in_tokens: true, used, limit }
    }

    /// How much of it is used.
    pub fn band(&self) -> Band {
        // Whole numbers this large are exact in a float up to nine million dollars.
        Band::of(self.used as f64, self.limit as f64).unwrap_or(Band::Green)
    }

    /// The limit as clients see it; `role` where it is an agent's.
    pub fn used(&self, role: &str) -> LimitUse {
        let name = match (self.which, self.in_tokens) {
            (Limit::Daily, false) => "Day".to_owned(),
            (Limit::Daily, true) => "Day, tokens".to_owned(),
            (Limit::Monthly, false) => "Month".to_owned(),
            (Limit::Monthly, true) => "Month, tokens".to_owned(),
            (Limit::Session, _) => "Session".to_owned(),
            (Limit::Agent, _) => format!("{} today", role_name(role)),
            (Limit::Job, _) => "Brief".to_owned(),
        };
        let money = |nanos| Some(Money::nanos(nanos)).filter(|_| !self.in_tokens);
        let tokens = |count| Some(count).filter(|_| self.in_tokens);
        LimitUse {
            name,
            key: named(self.which, role, self.in_tokens).key.unwrap_or_default(),
            spent_usd: money(self.used),
            limit_usd: money(self.limit),
            tokens: tokens(self.used),
            limit_tokens: tokens(self.limit),
            band: self.band(),
        }
    }

    fn amounts(&self) -> (String, String) {
        if self.in_tokens {
            (format!("{} tokens", self.used), format!("{} tokens", self.limit))
        } else {
            (Money::nanos(self.used).to_string(), Money::nanos(self.limit).to_string())
        }
    }
}

/// What is to be said where spending has come from one band of a limit into the next: once at half of it, once more at
/// 80 % (E026).
pub fn warnings(before: &[Standing], after: &[Standing]) -> Vec<(NoticeLevel, String)> {
    let mut said = Vec::new();
    for (before, after) in before.iter().zip(after) {
        let band = after.band();
        if after.limit <= 0 || band == before.band() || after.used <= before.used {
            continue;
        }
        let named = named(after.which, "", after.in_tokens);
        let (used, limit) = after.amounts();
        let percent = contract::percent(after.used as f64, after.limit as f64);
        let level = if band == Band::Red { NoticeLevel::Warning } else { NoticeLevel::Info };
        said.push((level, format!("{} is used to {percent}: {used} of {limit}.", named.what)));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dollars(amount: f64) -> Money {
        Money::dollars(amount).unwrap()
    }

    #[test]
    fn e024_e025_a_limit_that_is_reached_says_how_much_and_how_to_raise_it() {
        let reached = |which| {
            let standing = [Standing::of_cost(which, dollars(50.12), dollars(50.0))];
            check(&standing, "ceo").unwrap_err()
        };
        let daily = reached(Limit::Daily);
        assert_eq!(daily.code, ErrorCode::BUDGET_DAILY);
        assert_eq!(daily.message, "Daily cost limit reached ($50.12 / $50.00).");
        assert!(daily.fix.contains("settings.cost_limit_daily"), "{}", daily.fix);
        let monthly = reached(Limit::Monthly);
        assert_eq!(monthly.message, "Monthly cost limit reached ($50.12 / $50.00).");
        assert!(monthly.fix.contains("settings.cost_limit_monthly"), "{}", monthly.fix);
        let tokens = check(&[Standing::of_tokens(Limit::Daily, 900, 900)], "ceo").unwrap_err();
        assert_eq!(tokens.message, "Daily token limit reached (900 tokens / 900 tokens).");
        assert!(check(&[Standing::of_cost(Limit::Daily, dollars(60.0), Money::ZERO)], "ceo").is_ok(), "none");
    }

    #[test]
    fn a_refusal_names_the_limit_the_key_and_the_amounts() {
        let used = Used::Cost { spent: dollars(4.0), limit: dollars(5.0) };
        let error = refused(&Refused { which: Limit::Agent, used }, "cto", dollars(2.0), 1000);
        assert_eq!(error.code, ErrorCode::BUDGET_AGENT);
        for part in ["CTO", "$5.00", "$4.00", "$2.00"] {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        assert!(error.fix.contains("agents.cto.cost_limit_daily"), "{}", error.fix);
        let used = Used::Tokens { used: 900, limit: 1000 };
        let error = refused(&Refused { which: Limit::Job, used }, "cto", dollars(2.0), 200);
        assert_eq!(error.code, ErrorCode::BUDGET_BRIEF);
        assert!(error.message.contains("1000") && error.message.contains("200"), "{}", error.message);
        assert!(error.fix.contains("settings.token_limit_brief"), "{}", error.fix);
    }

    #[test]
    fn e026_a_limit_is_warned_of_once_at_half_and_once_at_80_percent() {
        let at = |spent: f64| [Standing::of_cost(Limit::Daily, dollars(spent), dollars(50.0))];
        let said = |from: f64, to: f64| warnings(&at(from), &at(to));
        assert_eq!(said(20.0, 24.999), []);
        assert_eq!(
            said(24.0, 25.0),
            [(NoticeLevel::Info, "The daily cost limit is used to 50.0%: $25.00 of $50.00.".to_owned())]
        );
        assert_eq!(said(25.0, 39.99), []);
        let strong = said(39.0, 40.0);
        assert_eq!((strong.len(), strong[0].0), (1, NoticeLevel::Warning));
        assert_eq!(said(1.0, 49.0).len(), 1, "both at once are one");
        assert_eq!(said(41.0, 60.0), []);
        let none = |spent: f64| [Standing::of_cost(Limit::Daily, dollars(spent), Money::ZERO)];
        assert_eq!(warnings(&none(0.0), &none(100.0)), []);
    }
}
