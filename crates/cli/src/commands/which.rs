//! Which company is meant: the one here, or one that is named by its folder or its name.

use std::path::{Path, is_separator};

use contract::{Company, CompanyRef, Empty, Error, ErrorCode, methods};

use crate::context::Context;
use crate::daemon::Daemon;
use crate::failure::Failure;
use crate::text::line;

/// Companies that an error names, at most.
const NAMED: usize = 5;

/// The company that was named, else the one here.
pub(crate) async fn company(context: &Context, daemon: &Daemon, named: Option<&str>) -> Result<Company, Failure> {
    let Some(named) = named else {
        return match context.company(daemon).await {
            Err(error) if error.code == ErrorCode::COMPANY_NOT_FOUND => Err(with_known(daemon, error).await.into()),
            outcome => Ok(outcome?),
        };
    };
    if is_path(named) {
        return in_folder(context, daemon, named).await;
    }
    let known = daemon.call::<methods::CompanyListAll>(Empty {}).await?.companies;
    match of_name(&known, named) {
        Named::One(company) => Ok(company.clone()),
        Named::Several(several) => Err(Failure::usage(format!(
            "Several companies are called like {:?}: {}. Name one by its folder.",
            line(named, 80),
            folders(&several)
        ))),
        Named::None if Path::new(named).is_dir() => in_folder(context, daemon, named).await,
        Named::None => Err(not_known(named, &known).into()),
    }
}

/// The company here, or `None` where there is none.
pub(crate) async fn company_here(context: &Context, daemon: &Daemon) -> Result<Option<Company>, Failure> {
    match context.company(daemon).await {
        Ok(company) => Ok(Some(company)),
        Err(error) if error.code == ErrorCode::COMPANY_NOT_FOUND => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A company as a parameter.
pub(crate) fn by_id(company: &Company) -> CompanyRef {
    CompanyRef { dir: None, company_id: Some(company.company_id) }
}

async fn in_folder(context: &Context, daemon: &Daemon, named: &str) -> Result<Company, Failure> {
    let dir = context.dir()?.join(named);
    let dir = std::path::absolute(&dir).unwrap_or(dir);
    let params = CompanyRef { dir: Some(dir.to_string_lossy().into_owned()), company_id: None };
    match daemon.call::<methods::CompanyGet>(params).await {
        Err(error) if error.code == ErrorCode::COMPANY_NOT_FOUND => Err(with_known(daemon, error).await.into()),
        outcome => Ok(outcome?),
    }
}

/// Whether that can only be a folder.
fn is_path(named: &str) -> bool {
    named.chars().any(is_separator) || matches!(named, "." | "..")
}

#[derive(Debug, PartialEq)]
enum Named<'a> {
    One(&'a Company),
    Several(Vec<&'a Company>),
    None,
}

/// The company of that name: the very name before the same in other letters, and that before one that begins so.
fn of_name<'a>(known: &'a [Company], named: &str) -> Named<'a> {
    let lower = named.to_lowercase();
    let fits: [&dyn Fn(&Company) -> bool; 3] =
        [&|company| company.name == named, &|company| company.name.to_lowercase() == lower, &|company| {
            !lower.is_empty() && company.name.to_lowercase().starts_with(&lower)
        }];
    for fit in fits {
        let found: Vec<&Company> = known.iter().filter(|company| fit(company)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Named::One(one),
            _ => return Named::Several(found),
        }
    }
    Named::None
}

fn not_known(named: &str, known: &[Company]) -> Error {
    let fix = if named.trim_start_matches('#').parse::<u32>().is_ok() {
        format!("A job is named with --job: `aicib status --job {}`.", named.trim_start_matches('#'))
    } else if known.is_empty() {
        "Found one with `aicib init`.".to_owned()
    } else {
        let names: Vec<String> = known.iter().take(NAMED).map(|company| line(&company.name, 80)).collect();
        format!("There {} {}.", if names.len() == 1 { "is" } else { "are" }, names.join(", "))
    };
    Error::new(ErrorCode::COMPANY_NOT_FOUND, format!("There is no company {:?}.", line(named, 80)), fix)
}

/// The error of a folder without a company, with the companies there are.
async fn with_known(daemon: &Daemon, mut error: Error) -> Error {
    let Ok(known) = daemon.call::<methods::CompanyListAll>(Empty {}).await else { return error };
    if !known.companies.is_empty() {
        let known: Vec<&Company> = known.companies.iter().collect();
        error.fix = format!("{} Or name one with --dir: {}.", error.fix, folders(&known));
    }
    error
}

fn folders(companies: &[&Company]) -> String {
    let folders: Vec<String> = companies.iter().take(NAMED).map(|company| line(&company.dir, 200)).collect();
    folders.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company(number: i64, name: &str) -> Company {
        let company_id = contract::CompanyId(number);
        Company { company_id, name: name.into(), dir: format!("/c/{number}"), ..crate::tests::sample::company() }
    }

    #[test]
    fn a_company_is_meant_by_its_name() {
        let known = [company(1, "Acme"), company(2, "acme"), company(3, "Acme Labs"), company(4, "Beta")];
        assert_eq!(of_name(&known, "Acme"), Named::One(&known[0]), "the very name");
        assert_eq!(of_name(&known, "ACME"), Named::Several(vec![&known[0], &known[1]]));
        assert_eq!(of_name(&known, "acme l"), Named::One(&known[2]));
        assert_eq!(of_name(&known, "be"), Named::One(&known[3]));
        assert_eq!((of_name(&known, "x"), of_name(&known, "")), (Named::None, Named::None));
    }

    #[test]
    fn who_names_what_is_not_there_hears_what_is() {
        let known = [company(1, "Acme"), company(2, "Beta")];
        let said = |named: &str, known: &[Company]| not_known(named, known).to_string();
        assert_eq!(said("Gamma", &known), "There is no company \"Gamma\". There are Acme, Beta.");
        assert_eq!(said("Gamma", &[]), "There is no company \"Gamma\". Found one with `aicib init`.");
        assert!(said("#7", &known).contains("`aicib status --job 7`"));
        assert!(is_path("../acme") && is_path(".") && !is_path("acme"));
    }
}
