//! What axe finds wrong with a page for those who cannot see it, or use no mouse.

use std::fmt;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::Page;

/// Starts axe over all of the page. Looks that are on their way to others would be judged half-way.
const RUN: &str = "const done = arguments[0];
    axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations), (e) => done(String(e)));";
/// Elements that one violation names.
const NAMED: usize = 6;

/// A rule that is broken, and where.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Its name.
    pub rule: String,
    /// The elements, each with why.
    pub places: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.rule)?;
        self.places.iter().take(NAMED).try_for_each(|place| write!(f, "\n      {place}"))
    }
}

impl Page {
    /// What axe finds wrong with what is on screen.
    ///
    /// # Errors
    /// axe is not there, or fails.
    pub async fn axe(&self) -> anyhow::Result<Vec<Violation>> {
        if self.run("return typeof axe").await? != "object" {
            let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(&file);
            self.run(&axe.with_context(|| format!("{}: run `npm ci --prefix ui`", file.display()))?).await?;
        }
        let found = self.client().execute_async(RUN, vec![]).await?;
        let found = found.as_array().with_context(|| format!("axe: {found}"))?;
        Ok(found.iter().map(violation).collect())
    }
}

fn violation(found: &Value) -> Violation {
    let text = |value: &Value| value.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let places = found["nodes"].as_array().into_iter().flatten();
    let place = |node: &Value| {
        let html: String = text(&node["html"]).chars().take(160).collect();
        format!("{html}: {}", text(&node["failureSummary"]))
    };
    Violation {
        rule: format!("{} ({})", text(&found["id"]), text(&found["help"])),
        places: places.map(place).collect(),
    }
}
