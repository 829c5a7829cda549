//! All that is known of a job, for programs.

use std::io::{self, Write};

use contract::{Event, JobDetail};

use super::Page;

/// One object: the job, and its events.
#[derive(Default)]
pub struct Json {
    events: u64,
}

impl Page for Json {
    fn head(&mut self, out: &mut dyn Write, job: &JobDetail, company: &str) -> io::Result<()> {
        write!(out, "{{\n\"company\": ")?;
        serde_json::to_writer(&mut *out, company)?;
        write!(out, ",\n\"job\": ")?;
        serde_json::to_writer(&mut *out, job)?;
        write!(out, ",\n\"events\": [")
    }

    fn event(&mut self, out: &mut dyn Write, event: &Event) -> io::Result<()> {
        write!(out, "{}", if self.events == 0 { "\n" } else { ",\n" })?;
        self.events += 1;
        Ok(serde_json::to_writer(out, event)?)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "\n]\n}}\n")
    }
}
