//! A job as a page in a single file. Nothing in it is remote, nothing in it runs, and all text is literal.

use std::io::{self, Write};

use contract::{Event, JobDetail, role_name, visible};
use jiff::tz::TimeZone;

use super::Page;
use super::markdown::{Text, clock, facts, said};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem;\
    color:#1c1b19;background:#fdfcfa}h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}dl{display:grid;\
    grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{color:#6b675f}dd{margin:0}pre{white-space:pre-wrap;\
    overflow-wrap:anywhere;background:#f3f0ea;border-radius:6px;padding:.6rem .8rem;font:13px/1.5 ui-monospace,monospace}\
    .said{white-space:pre-wrap;overflow-wrap:anywhere}.line{margin:.9rem 0 .2rem;color:#6b675f}.line b{color:#1c1b19}\
    .in{margin-left:1.5rem;border-left:2px solid #e4dfd6;padding-left:1rem}\
    @media(prefers-color-scheme:dark){body{color:#eae7e1;background:#1b1a18}pre{background:#262421}dt,.line{color:#a39e94}\
    .line b{color:#eae7e1}.in{border-color:#3a3733}}";

/// The page.
pub struct Html {
    zone: TimeZone,
}

impl Html {
    /// With times of the founder's zone.
    pub fn new() -> Html {
        Html { zone: TimeZone::system() }
    }
}

impl Page for Html {
    fn head(&mut self, out: &mut dyn Write, detail: &JobDetail, company: &str) -> io::Result<()> {
        let job = &detail.job;
        let title = format!("Job {}: {}", job.job_id, job.title);
        // Should anything get past the escapes, the policy keeps it from running and from reaching out.
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" \
             content=\"width=device-width\">\n<title>{0}</title>\n<style>{STYLE}</style>\n<h1>{0}</h1>\n<dl>",
            escaped(&title)
        )?;
        for (name, value) in facts(detail, company, &self.zone) {
            writeln!(out, "<dt>{name}</dt><dd>{}</dd>", escaped(&value))?;
        }
        writeln!(out, "</dl>\n<h2>Brief</h2>\n<pre>{}</pre>", escaped(&detail.directive))?;
        if let Some(answer) = &detail.answer {
            writeln!(out, "<h2>Answer</h2>\n<div class=\"said\">{}</div>", escaped(answer))?;
        }
        if let Some(error) = &job.error {
            let code = escaped(error.code.as_str());
            let (what, fix) = (escaped(&error.message), escaped(&error.fix));
            writeln!(out, "<h2>Error</h2>\n<p>{what} {fix} <code>{code}</code></p>")?;
        }
        writeln!(out, "<h2>What happened</h2>")
    }

    fn event(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()> {
        let Some(said) = said(&event.entry.body) else { return Ok(()) };
        let inside = if event.entry.parent.is_some() { " class=\"in\"" } else { "" };
        let who = escaped(&role_name(&event.entry.agent));
        let time = clock(event.entry.at, &self.zone);
        write!(out, "<div{inside}><p class=\"line\"><b>{who}</b> {time} {}</p>", escaped(&said.line))?;
        match said.text {
            Some(Text::Markdown(text)) => write!(out, "<div class=\"said\">{}</div>", escaped(text.trim()))?,
            Some(Text::Literal(text)) if !text.trim().is_empty() => write!(out, "<pre>{}</pre>", escaped(text))?,
            _ => {}
        }
        writeln!(out, "</div>")
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</html>")
    }
}

/// A text of which nothing is markup, and in which nothing hides.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use contract::{Entry, EventBody, JobId, Seq, Time};

    use super::*;

    #[test]
    fn what_agents_say_is_text_and_nothing_else() {
        let text = "<script>alert(1)</script><img src=x onerror='y'>\u{202e}&".to_owned();
        let entry = Entry { at: Time(0), agent: "<b>ceo".into(), parent: None, body: EventBody::Message { text } };
        let mut out = Vec::new();
        let event = Event { seq: Seq(1), job_id: JobId(1), run_id: None, entry };
        Html::new().event(&mut out, &event).unwrap();
        let page = String::from_utf8(out).unwrap();
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>ceo"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("⟨U+202E⟩&amp;"), "{page}");
    }
}
