//! Founding a company.
use std::path::PathBuf;

use contract::Error;

use crate::Company;

/// What a new company is to be.
#[derive(Clone, Debug, Default)]
pub struct Create {
    /// Its name.
    pub name: String,
    /// The folder; made where it is missing.
    pub dir: PathBuf,
    /// `full-c-suite` (where none is given), `lean-startup` or `minimal`.
    pub structure: Option<String>,
    /// `professional` (where none is given), `startup`, `technical` or `creative`.
    pub persona: Option<String>,
    /// `saas-startup` (where none is given), `marketing-agency`, `e-commerce` or `consulting-firm`.
    pub template: Option<String>,
    /// `auto` (where none is given), `anthropic-api` or `practice`.
    pub engine: Option<String>,
}

/// Founds a company: writes its config and its agents' files, all of them or none.
///
/// # Errors
/// `company.exists` where the folder holds a company, `company.folder` where it cannot be written, `request.bad`
/// for names that there are not.
pub fn create(_spec: &Create) -> Result<Company, Error> {
    Err(Error::internal("unfinished"))
}
