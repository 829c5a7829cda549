//! How much an agent may do by itself: five levels, each with a verdict on five kinds of things that agents do.
//!
//! The words go into the prompt; the verdicts are data for whoever gates tools.

use contract::Act;
pub use contract::Verdict;

/// How free an agent is, the least free first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Proposes; others decide.
    Restricted,
    /// Acts inside its task, and asks where that is not clear.
    Guided,
    /// Runs its own routine work.
    #[default]
    Standard,
    /// Runs its department.
    Autonomous,
    /// Runs the company.
    Full,
}

/// Names of levels, the least free first.
pub const LEVELS: [&str; 5] = ["restricted", "guided", "standard", "autonomous", "full"];

const ALL: [Level; 5] = [Level::Restricted, Level::Guided, Level::Standard, Level::Autonomous, Level::Full];

impl Level {
    /// The name in files (`standard`).
    pub fn name(self) -> &'static str {
        LEVELS[self as usize]
    }

    /// The level of that name.
    pub fn from_name(name: &str) -> Option<Level> {
        ALL.into_iter().find(|level| level.name() == name)
    }

    /// What the level means, in a sentence.
    pub fn purpose(self) -> &'static str {
        match self {
            Level::Restricted => "You look into things and propose; somebody else decides before anything is changed.",
            Level::Guided => "You act inside the task you were given, and ask where it leaves something open.",
            Level::Standard => "You run your routine work yourself, and ask before a decision that binds others.",
            Level::Autonomous => "You run your department. You ask only where strategy or the outside world begins.",
            Level::Full => "You run the company, apart from what belongs to the founder.",
        }
    }
}

/// A kind of thing that agents do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Creating, changing and deleting files of the company.
    Files,
    /// Running shell commands.
    Commands,
    /// Choosing between ways that differ for others.
    Decisions,
    /// Speaking to people outside the company, or for it.
    Communication,
    /// Spending money outside this system, and what commits to it.
    Spending,
}

/// All categories, in the order in which agents read of them.
pub const CATEGORIES: [Category; 5] =
    [Category::Files, Category::Commands, Category::Decisions, Category::Communication, Category::Spending];

impl Category {
    /// The name in a list of grants or restrictions (`commands`).
    pub fn name(self) -> &'static str {
        match self {
            Category::Files => "files",
            Category::Commands => "commands",
            Category::Decisions => "decisions",
            Category::Communication => "communication",
            Category::Spending => "spending",
        }
    }
}

/// What an agent may do by itself: its level, and what its company adds or takes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The level.
    pub level: Level,
    /// What it may do beyond its level: names of categories, or free words for the prompt.
    pub grants: Vec<String>,
    /// What it always has to ask about: the same. A restriction goes before a grant.
    pub restrictions: Vec<String>,
}

impl Judgement {
    /// The verdict on a category.
    pub fn of(&self, category: Category) -> Verdict {
        let verdict = row(self.level, category).verdict;
        match (names(&self.grants, category.name()), names(&self.restrictions, category.name())) {
            (_, true) => verdict.max(Verdict::Ask),
            (true, false) => Verdict::Allow,
            (false, false) => verdict,
        }
    }

    /// The verdict on an act. Grants and restrictions name a category (`commands`) or the act itself (`network`).
    pub fn verdict(&self, act: Act) -> Verdict {
        let usual = match act {
            Act::Read => Verdict::Allow,
            Act::Write => self.of(Category::Files),
            Act::Command => self.of(Category::Commands),
            Act::Publish => self.of(Category::Communication),
            Act::Spend => self.of(Category::Spending),
            Act::WriteElsewhere if self.level <= Level::Guided => Verdict::Deny,
            Act::WriteElsewhere => Verdict::Ask,
            Act::Network => match self.level {
                Level::Restricted => Verdict::Deny,
                Level::Guided => Verdict::Ask,
                Level::Standard | Level::Autonomous | Level::Full => Verdict::Allow,
            },
        };
        match (names(&self.grants, act.name()), names(&self.restrictions, act.name())) {
            (_, true) => usual.max(Verdict::Ask),
            // What the founder restricted by its category stays so.
            (true, false) if !self.is_restricted(act) => Verdict::Allow,
            _ => usual,
        }
    }

    fn is_restricted(&self, act: Act) -> bool {
        let category = match act {
            Act::Write => Category::Files,
            Act::Command => Category::Commands,
            Act::Publish => Category::Communication,
            Act::Spend => Category::Spending,
            Act::Read | Act::WriteElsewhere | Act::Network => return false,
        };
        names(&self.restrictions, category.name())
    }

    /// What the agent is told. Of commands nothing is said to one that has none in this run.
    pub fn words(&self, commands: bool) -> String {
        let mut text = format!("Level: {}. {}\n", self.level.name(), self.level.purpose());
        for category in CATEGORIES.into_iter().filter(|category| commands || *category != Category::Commands) {
            let row = row(self.level, category);
            let words = match (self.of(category), row.verdict) {
                (verdict, usual) if verdict == usual => row.words,
                (Verdict::Allow, _) => "granted: you may, without asking.",
                _ => "ask first, always.",
            };
            text.push_str(&format!("\n- {}: {words}", heading(category)));
        }
        let free = |list: &[String]| {
            let listed = list.iter().map(|item| contract::one_line(item, 200)).filter(|item| {
                !item.is_empty() && !CATEGORIES.iter().any(|category| category.name().eq_ignore_ascii_case(item))
            });
            listed.take(MAX_EXTRAS).collect::<Vec<_>>()
        };
        for (what, list) in [("Also granted to you", &self.grants), ("Always ask before", &self.restrictions)] {
            let items = free(list);
            if !items.is_empty() {
                text.push_str(&format!("\n- {what}: {}.", items.join("; ")));
            }
        }
        text
    }
}

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|item| item.trim().eq_ignore_ascii_case(name))
}

/// Grants or restrictions that a prompt names, at most.
const MAX_EXTRAS: usize = 20;

fn heading(category: Category) -> &'static str {
    match category {
        Category::Files => "Files",
        Category::Commands => "Commands",
        Category::Decisions => "Decisions",
        Category::Communication => "Communication",
        Category::Spending => "Spending",
    }
}

struct Row {
    verdict: Verdict,
    words: &'static str,
}

fn row(level: Level, category: Category) -> Row {
    use Category::*;
    use Level::*;
    use Verdict::*;
    let (verdict, words) = match (level, category) {
        (Restricted, Files) => (Ask, "read what you need; propose a change before you make it."),
        (Restricted, Commands) => (Deny, "none. Write down the command that should be run."),
        (Restricted, Decisions) => (Ask, "lay out the options and recommend one; do not choose."),
        (Restricted, Communication) => (Deny, "report to your head, and to nobody else."),
        (Restricted, Spending) => (Deny, "none."),
        (Guided, Files) => (Allow, "create and change those your task is about. Ask before you delete or restructure."),
        (Guided, Commands) => {
            (Ask, "those that look, build or test are fine; ask before one that changes anything else.")
        }
        (Guided, Decisions) => (Ask, "details inside your task are yours; ask where the task can be read in two ways."),
        (Guided, Communication) => (Deny, "your head and those on your task; nothing goes outside the company."),
        (Guided, Spending) => (Deny, "none."),
        (Standard, Files) => {
            (Allow, "those of your department are yours to change. Ask before you touch another department's.")
        }
        (Standard, Commands) => (Allow, "what your task needs. Ask before one that cannot be undone."),
        (Standard, Decisions) => {
            (Allow, "how you do your work, and in which order. Ask before you change what others rely on.")
        }
        (Standard, Communication) => (Ask, "colleagues freely; what leaves the company needs a yes first."),
        (Standard, Spending) => (Ask, "use what the company has; anything new needs a yes first."),
        (Autonomous, Files) => (Allow, "all of the company's. Ask before you delete what others share."),
        (Autonomous, Commands) => (Allow, "what the work needs, with the care of somebody who answers for it."),
        (Autonomous, Decisions) => {
            (Allow, "everything in your field. Bring a change of strategy or of a promised date upward.")
        }
        (Autonomous, Communication) => {
            (Ask, "everybody inside. Prepare what goes outside up to the last step, and ask.")
        }
        (Autonomous, Spending) => (Ask, "use and set up what there is; a new commitment needs a yes first."),
        (Full, Files) => (Allow, "all of the company's."),
        (Full, Commands) => (Allow, "what the work needs."),
        (Full, Decisions) => {
            (Allow, "all but the company's direction, partnerships and people, which are the founder's.")
        }
        (Full, Communication) => (Allow, "for the company, apart from press, investors and anything legal."),
        (Full, Spending) => (Allow, "within the limits that are set. Above them the founder decides."),
    };
    Row { verdict, words }
}

/// The level that holds: what the config says of this agent, else its file, else the company's default, else
/// standard. A name that is no level is passed over.
pub fn level(over: Option<&str>, file: Option<&str>, default: Option<&str>) -> Level {
    [over, file, default].into_iter().flatten().find_map(Level::from_name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freer_level_never_forbids_more() {
        for category in CATEGORIES {
            let verdicts = ALL.map(|level| row(level, category).verdict);
            assert!(verdicts.is_sorted_by(|a, b| a >= b), "{category:?}: {verdicts:?}");
        }
        assert_eq!(LEVELS.map(Level::from_name), ALL.map(Some));
    }

    #[test]
    fn every_level_has_a_verdict_on_every_act() {
        let line = |level: Level| {
            let judgement = Judgement { level, ..Judgement::default() };
            Act::ALL.map(|act| judgement.verdict(act).name()).join(" ")
        };
        // read, write, write elsewhere, command, network, publish, spend
        assert_eq!(line(Level::Restricted), "allow ask deny deny deny deny deny");
        assert_eq!(line(Level::Guided), "allow allow deny ask ask deny deny");
        assert_eq!(line(Level::Standard), "allow allow ask allow allow ask ask");
        assert_eq!(line(Level::Autonomous), "allow allow ask allow allow ask ask");
        assert_eq!(line(Level::Full), "allow allow ask allow allow allow allow");
    }

    #[test]
    fn grants_and_restrictions_name_acts_as_well() {
        let judgement = Judgement {
            level: Level::Guided,
            grants: ["Network", "publish", "write"].map(str::to_owned).to_vec(),
            restrictions: ["communication", "read", "files"].map(str::to_owned).to_vec(),
        };
        assert_eq!(judgement.verdict(Act::Network), Verdict::Allow);
        assert_eq!(judgement.verdict(Act::Publish), Verdict::Deny, "its category is restricted");
        assert_eq!(judgement.verdict(Act::Write), Verdict::Ask);
        assert_eq!(judgement.verdict(Act::Read), Verdict::Ask);
    }

    #[test]
    fn a_restriction_goes_before_a_grant() {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let judgement = Judgement {
            level: Level::Guided,
            grants: texts(&["commands", "Spending", "publish the weekly post"]),
            restrictions: texts(&["files", "spending"]),
        };
        assert_eq!(judgement.of(Category::Commands), Verdict::Allow);
        assert_eq!(judgement.of(Category::Files), Verdict::Ask);
        assert_eq!(judgement.of(Category::Spending), Verdict::Deny, "it does not make something milder");
        let words = judgement.words(true);
        assert!(words.contains("Also granted to you: publish the weekly post."), "{words}");
        assert!(!judgement.words(false).contains("Commands"));
        assert!(words.contains("- Commands: granted") && words.contains("- Files: ask first"), "{words}");
    }
}
