//! Who plays in a rehearsal.

use company::Company;
use contract::JobId;

/// Heads that take part, at most.
const MAX_HEADS: usize = 3;
/// Heads that take part where the team has as many.
const MIN_HEADS: usize = 2;

/// What a head knows about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Technology,
    Money,
    Market,
    Other,
}

impl Field {
    fn of(role: &str, department: &str) -> Field {
        let text = format!("{role} {department}").to_lowercase();
        let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if any(&["cto", "cio", "ciso", "engineer", "tech", "develop", "product", "data"]) {
            Field::Technology
        } else if any(&["cfo", "financ", "account", "legal", "clo"]) {
            Field::Money
        } else if any(&["cmo", "market", "content", "sales", "brand", "communicat"]) {
            Field::Market
        } else {
            Field::Other
        }
    }

    /// Parts of words in a brief that call for the field.
    fn words(self) -> &'static [&'static str] {
        match self {
            Field::Technology => &[
                "build", "code", "app", "api", "site", "software", "bug", "test", "data", "tech", "feature", "product",
                "security",
            ],
            Field::Money => &[
                "cost", "price", "pricing", "budget", "money", "revenue", "financ", "invest", "forecast", "plan", "tax",
            ],
            Field::Market => &[
                "write",
                "descri",
                "market",
                "blog",
                "post",
                "launch",
                "brand",
                "customer",
                "page",
                "copy",
                "newsletter",
                "about",
                "news",
            ],
            Field::Other => &[],
        }
    }
}

/// A head that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub role: String,
    pub name: String,
    pub field: Field,
}

/// Who takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Two or three heads, the fittest first; fewer where there are no more.
    pub heads: Vec<Head>,
    /// The role of the one that writes a note.
    pub author: Option<String>,
}

impl Cast {
    /// The reports of `root` that fit the brief, always the same for a job.
    pub fn of(company: &Company, root: &str, job: JobId, directive: &str) -> Cast {
        // The start of a brief says what it is about; 256 KB need not be searched.
        let start: String = directive.chars().take(2_000).collect::<String>().to_lowercase();
        let mut found: Vec<(usize, u64, Head, bool)> = company
            .reports(root)
            .into_iter()
            .filter(|agent| agent.enabled && agent.role != root)
            .map(|agent| {
                let field = Field::of(&agent.role, &agent.department);
                let score = field.words().iter().filter(|word| start.contains(**word)).count();
                let lot = seed(job, &format!("{}{start}", agent.role));
                let writes = agent.tools.iter().any(|tool| tool == "Write");
                (score, lot, Head { role: agent.role.clone(), name: agent.name.clone(), field }, writes)
            })
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let fit = found.iter().filter(|(score, ..)| *score > 0).count();
        found.truncate(fit.clamp(MIN_HEADS, MAX_HEADS));
        let author = found.iter().find(|(.., writes)| *writes).map(|(_, _, head, _)| head.role.clone());
        Cast { heads: found.into_iter().map(|(_, _, head, _)| head).collect(), author }
    }

    /// What the agent of that role knows about.
    pub fn field(&self, role: &str) -> Field {
        self.heads.iter().find(|head| head.role == role).map_or_else(|| Field::of(role, ""), |head| head.field)
    }
}

/// A number that depends on a job and a text alone (FNV-1a), in every version of this program.
pub(crate) fn seed(job: JobId, text: &str) -> u64 {
    let bytes = job.0.to_le_bytes().into_iter().chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
