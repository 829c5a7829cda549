//! What is said in a rehearsal. Every text says that it is one.

use contract::{JobId, one_line};

use super::cast::{Field, seed};

/// Characters of the brief that are quoted.
const QUOTE: usize = 80;
/// Characters of the brief in a file's name.
const SLUG: usize = 40;

/// Characters of what the founder said, each time.
const SAID: usize = 300;

/// The lines of one job.
pub(crate) struct Lines {
    job: JobId,
    seed: u64,
    brief: String,
    slug: String,
}

impl Lines {
    /// The lines for a brief, whatever is in it.
    pub fn new(job: JobId, directive: &str) -> Lines {
        let start: String = directive.chars().take(4_000).collect();
        // Marks of Markdown would make the quote look like something else.
        let plain: String =
            start.chars().filter(|c| !matches!(c, '<' | '>' | '[' | ']' | '`' | '*' | '|' | '\\')).collect();
        let quote = one_line(&plain, QUOTE);
        let brief = if quote.is_empty() { "a brief without words".to_owned() } else { format!("“{quote}”") };
        Lines { job, seed: seed(job, &start), brief, slug: slug(&quote) }
    }

    fn pick<'t>(&self, salt: u64, texts: &[&'t str]) -> &'t str {
        let place = (self.seed ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15)).rotate_left(17) % texts.len().max(1) as u64;
        usize::try_from(place).ok().and_then(|place| texts.get(place)).copied().unwrap_or_default()
    }

    /// Where the report goes.
    pub fn report_path(&self) -> String {
        format!("reports/job-{}-{}.md", self.job, self.slug)
    }

    /// Where a head's note goes.
    pub fn note_path(&self, role: &str) -> String {
        format!("notes/job-{}-{}.md", self.job, slug(role))
    }

    /// The CEO's plan.
    pub fn opening(&self, names: &[String]) -> String {
        let how = self.pick(
            1,
            &[
                "They look at it side by side, and I put together what they say.",
                "Both sides of it can be looked at together; then I write it up.",
                "I ask for a first view from each and then write the report.",
            ],
        );
        format!("Practice: no model is at work. The brief is {}. I give it to {}. {how}", self.brief, list(names))
    }

    /// A head's task.
    pub fn task(&self, field: Field) -> String {
        let what = match field {
            Field::Technology => "what it takes to build and in which order",
            Field::Money => "what it costs, what it brings, and what could go wrong",
            Field::Market => "whom it is for and how to say it to them",
            Field::Other => "what your department can bring to it",
        };
        format!(
            "Practice: the brief is {}. Look around in the company folder and say in a few lines {what}.",
            self.brief
        )
    }

    /// Before looking around.
    pub fn looking(&self) -> String {
        format!(
            "Practice: {}",
            self.pick(2, &["I look at what there is.", "First a look at the folder.", "Let me see what we have."])
        )
    }

    /// A head's report.
    pub fn advice(&self, name: &str, field: Field) -> String {
        // The lines come first: what is shown of a report is its beginning.
        let points = self.points(field).join(" ");
        format!("Practice: {points}\n\n{name} in a rehearsal of {}; no model was used.", self.brief)
    }

    fn points(&self, field: Field) -> Vec<&'static str> {
        let points: [&[&'static str]; 3] = match field {
            Field::Technology => [
                &[
                    "Start with the smallest version that somebody can use.",
                    "Write down what has to work on the first day.",
                ],
                &["Keep it in the tools the team knows.", "Choose parts that can be replaced later."],
                &["Test the riskiest part first.", "Measure it before and after, so that we know it helped."],
            ],
            Field::Money => [
                &["Set a limit before the work starts.", "Count the hours first: they cost more than the tools."],
                &["List what it brings beside what it costs.", "Compare it with doing nothing for a month."],
                &["Look at the numbers again after two weeks.", "Name the sum at which we stop."],
            ],
            Field::Market => [
                &["Say in one sentence whom it is for.", "Begin with the reader's problem, not with us."],
                &["One page, one message.", "Short words, and an example that a stranger gets."],
                &["Show it to three people before it goes out.", "Ask a reader to say it back in their own words."],
            ],
            Field::Other => [
                &["Agree on what done means.", "Ask who needs to know before it starts."],
                &["Give each part to one person.", "Keep the plan on one page."],
                &["Look back once it is done.", "Write down what we would do otherwise next time."],
            ],
        };
        let picked = points.iter().enumerate().map(|(place, texts)| {
            let place = u64::try_from(place).unwrap_or(0);
            self.pick(10 + place, texts)
        });
        picked.collect()
    }

    /// A head's note, a file.
    pub fn note(&self, name: &str, field: Field) -> String {
        format!(
            "# Practice note by {name}\n\nA rehearsal by the practice engine: no model was used.\n\nBrief: {}\n\n{}",
            self.brief,
            self.points(field).iter().map(|point| format!("- {point}\n")).collect::<String>()
        )
    }

    /// Before the founder is asked.
    pub fn before_question(&self) -> String {
        "Practice: I ask the founder one thing before the work begins, as the brief wants it.".to_owned()
    }

    /// A question to the founder: itself, what one has to know, and the answers to choose from.
    pub fn question(&self) -> (String, String, Vec<&'static str>) {
        let question = format!("Practice question: how far should the work on {} go?", self.brief);
        let detail = "A rehearsal by the practice engine. Whatever you answer stands in its report.".to_owned();
        (question, detail, vec!["A first sketch", "All of it"])
    }

    /// The entry in the journal.
    pub fn entry(&self, heads: &[String]) -> String {
        let who = if heads.is_empty() { String::new() } else { format!(" with {}", list(heads)) };
        format!("A practice run{who} on {}; no model was used. The report is in {}.", self.brief, self.report_path())
    }

    /// Before the report is written.
    pub fn before_report(&self) -> String {
        "Practice: I put it together in a short report.".to_owned()
    }

    /// The report, a file.
    pub fn report(&self, company: &str, heard: &[(String, bool, String)], founder: &[String]) -> String {
        let mut out = format!(
            "# Practice report for job {}\n\n\
             > A rehearsal by the practice engine. No model was used: nothing here was researched or thought out.\n\n\
             - Company: {}\n- Brief: {}\n",
            self.job,
            one_line(company, 80),
            self.brief
        );
        if heard.is_empty() {
            out.push_str("\nThe CEO worked alone, since nobody reports to the CEO.\n");
        }
        if !founder.is_empty() {
            out.push_str("\n## What the founder said meanwhile\n\n");
            founder.iter().for_each(|text| out.push_str(&format!("- {}\n", one_line(text, SAID))));
        }
        for (name, ok, text) in heard {
            let state = if *ok { "" } else { " (did not finish)" };
            out.push_str(&format!("\n## {}{state}\n\n{}\n", one_line(name, 80), text.trim()));
        }
        out.push_str(
            "\n## What comes next\n\nTo have the brief worked on for real, choose the Anthropic API in the company's \
             settings and send it again.\n",
        );
        out
    }

    /// The CEO's answer. `written`: whether the report could be written, and what Write said; none without a try.
    pub fn answer(&self, heads: &[String], written: Option<(bool, &str)>, founder: &[String]) -> String {
        let who = if heads.is_empty() {
            "Nobody reports to me, so I looked at it alone.".to_owned()
        } else {
            format!("{} looked at it.", list(heads))
        };
        let file = match written {
            Some((true, _)) => format!("The report is in {}.", self.report_path()),
            Some((false, why)) => format!("The report could not be written: {}", one_line(why, 200)),
            None => "I may not write files here, so there is no report.".to_owned(),
        };
        let said: String = founder.iter().map(|text| format!(" {}", one_line(text, SAID))).collect();
        format!(
            "This was a practice run on {}; no model was used and nothing was charged. {who} {file}{said}",
            self.brief
        )
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".into(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// A text as a part of a file's name.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(200) {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
        if out.len() >= SLUG {
            break;
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() { "brief".into() } else { out.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_briefs_give_plain_names_and_quotes() {
        for (brief, path) in [
            ("Write a company description", "reports/job-7-write-a-company-description.md"),
            ("../../etc/passwd", "reports/job-7-etc-passwd.md"),
            ("\u{1}\u{2}\u{7f}", "reports/job-7-brief.md"),
            ("日本語のみ", "reports/job-7-brief.md"),
        ] {
            assert_eq!(Lines::new(JobId(7), brief).report_path(), path);
        }
        let long = Lines::new(JobId(7), &"word ".repeat(60_000));
        assert!(long.opening(&["CTO".into()]).len() < 500 && long.report_path().len() < 80);
    }

    #[test]
    fn every_line_says_that_it_is_practice() {
        let lines = Lines::new(JobId(3), "Write a page");
        let heard = [("CTO".to_owned(), true, "x".to_owned())];
        for text in [
            lines.opening(&["CTO".into(), "CMO".into()]),
            lines.task(Field::Money),
            lines.looking(),
            lines.advice("CFO", Field::Money),
            lines.note("CFO", Field::Money),
            lines.before_report(),
            lines.report("Acme", &heard, &[]),
            lines.answer(&[], Some((true, "")), &[]),
            lines.before_question(),
            lines.question().0,
            lines.entry(&["CTO".into()]),
        ] {
            assert!(text.to_lowercase().contains("practice"), "{text}");
        }
    }
}
