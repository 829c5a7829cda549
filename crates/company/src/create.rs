//! Founding a company: its config, its agents' files, all of them or none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use contract::{Error, ErrorCode, one_line};

use crate::company::holds_company;
use crate::config::{self, PRESETS, is_engine};
use crate::files;
use crate::{AGENTS_DIR, CONFIG_FILE, Company, load};

/// What a new company is to be.
#[derive(Clone, Debug, Default)]
pub struct Create {
    /// Its name.
    pub name: String,
    /// The folder; made where it is missing.
    pub dir: PathBuf,
    /// One of [`STRUCTURES`], the first where none is given.
    pub structure: Option<String>,
    /// One of [`PERSONAS`], the first where none is given.
    pub persona: Option<String>,
    /// One of [`TEMPLATES`] or `none` for the first, which is also the one where none is given.
    pub template: Option<String>,
    /// One of [`ENGINES`] or the name of an engine (`acp:gemini`); the first where none is given.
    pub engine: Option<String>,
}

/// Structures: everybody, five who ship, two, or the CEO alone, whose founder adds whom the company needs.
pub const STRUCTURES: &[&str] = &["full-c-suite", "lean-startup", "minimal", "custom"];
/// Ways in which agents express themselves.
pub const PERSONAS: &[&str] = PRESETS;
/// Kinds of company.
pub const TEMPLATES: &[&str] = &[BLANK, "saas-startup", "marketing-agency", "e-commerce", "consulting-firm"];
/// Engines that a new company may be founded with.
pub const ENGINES: &[&str] = &["auto", "anthropic-api", "claude-code", "openai-api", "codex", "practice"];

/// The template of a company that the founder describes.
const BLANK: &str = "blank";
/// Another word for it.
const NONE: &str = "none";

/// Characters of a company's name, at most.
const MAX_NAME: usize = 80;

macro_rules! agent {
    ($role:literal) => {
        ($role, include_str!(concat!("../assets/agents/", $role, ".md")))
    };
}

/// The text of an agent that comes with the program.
pub(crate) fn library_text(role: &str) -> Option<&'static str> {
    AGENTS.iter().find(|(name, _)| *name == role).map(|(_, text)| *text)
}

/// The agents that come with the program.
const AGENTS: [(&str, &str); 8] = [
    agent!("ceo"),
    agent!("cto"),
    agent!("cfo"),
    agent!("cmo"),
    agent!("backend-engineer"),
    agent!("frontend-engineer"),
    agent!("financial-analyst"),
    agent!("content-writer"),
];

/// Heads with their models and workers. Workers are cheap: they do one well-described task at a time.
type Heads = &'static [(&'static str, &'static str, &'static [&'static str])];

fn heads(structure: &str) -> Heads {
    match structure {
        "custom" => &[("ceo", "opus", &[])],
        "minimal" => &[("ceo", "opus", &[]), ("cto", "sonnet", &[])],
        "lean-startup" => {
            &[("ceo", "opus", &[]), ("cto", "opus", &["backend-engineer"]), ("cmo", "sonnet", &["content-writer"])]
        }
        _ => &[
            ("ceo", "opus", &[]),
            ("cto", "opus", &["backend-engineer", "frontend-engineer"]),
            ("cfo", "sonnet", &["financial-analyst"]),
            ("cmo", "sonnet", &["content-writer"]),
        ],
    }
}

fn about(template: &str) -> &'static str {
    match template {
        BLANK => "",
        "marketing-agency" => {
            "A marketing agency. Clients pay for results they can see: positioning, campaigns, content and the numbers \
             that prove them. Work is organised by client, deadlines are promises, and every deliverable has to look \
             as good as what we sell."
        }
        "e-commerce" => {
            "An online shop. Money is made on margin, conversion and customers who come back, so decisions look at \
             cost of goods, shipping, returns and the price of winning a customer. Product pages, stock and service \
             matter more than features."
        }
        "consulting-firm" => {
            "A consulting firm. We sell judgement: a client's question, researched, answered and argued so that they \
             can act on it. Deliverables are short, structured and backed by evidence, and confidentiality comes \
             before convenience."
        }
        _ => {
            "A young software company that sells its product as a service. Growth comes from a product that solves one \
             problem very well, measured by activation, retention and recurring revenue. The team is small, so focus \
             matters more than coverage."
        }
    }
}

/// Founds a company.
///
/// # Errors
/// `company.exists` where the folder holds a company or agents of one, `company.folder` where it cannot be written,
/// `request.bad` for names that there are not. What was made until then is gone again.
pub fn create(spec: &Create) -> Result<Company, Error> {
    let name = company_name(&spec.name)?;
    let structure = choice("structure", spec.structure.as_deref(), STRUCTURES)?;
    let persona = choice("persona", spec.persona.as_deref(), PERSONAS)?;
    let template =
        choice("template", spec.template.as_deref().map(|name| if name == NONE { BLANK } else { name }), TEMPLATES)?;
    let engine = match spec.engine.as_deref() {
        Some(name) if is_engine(name) => name,
        given => choice("engine", given, ENGINES)?,
    };
    let dir = files::absolute(&spec.dir).map_err(|error| files::folder_error("find", &spec.dir, &error))?;
    if holds_company(&dir) {
        return Err(exists(&dir, CONFIG_FILE));
    }

    let heads = heads(structure);
    let mut made = Made::default();
    let agents_dir = dir.join(AGENTS_DIR);
    made.folder(&agents_dir).map_err(|error| files::folder_error("create", &agents_dir, &error))?;
    inside(&dir, &agents_dir)?;
    for (role, text) in AGENTS {
        if heads.iter().any(|(head, _, workers)| *head == role || workers.contains(&role)) {
            made.file(&dir, &agents_dir.join(format!("{role}.md")), text)?;
        }
    }
    // The config comes last: with it the folder is a company.
    let config = config_text(&name, template, persona, engine, heads);
    made.file(&dir, &dir.join(CONFIG_FILE), &config)?;
    let company = load(&dir)?;
    made.keep();
    Ok(company)
}

fn company_name(given: &str) -> Result<String, Error> {
    let name = one_line(given, MAX_NAME + 1);
    if name.is_empty() || name.chars().count() > MAX_NAME {
        return Err(Error::new(
            ErrorCode::BAD_REQUEST,
            if name.is_empty() {
                "A company needs a name.".to_owned()
            } else {
                format!("The company's name is longer than {MAX_NAME} characters.")
            },
            "Give it one of 1 to 80 characters.",
        ));
    }
    Ok(name)
}

fn choice<'a>(what: &str, given: Option<&str>, all: &'a [&'a str]) -> Result<&'a str, Error> {
    let first = all.first().copied().unwrap_or_default();
    let Some(given) = given else { return Ok(first) };
    all.iter().copied().find(|name| *name == given).ok_or_else(|| {
        Error::new(
            ErrorCode::BAD_REQUEST,
            format!("There is no {what} {:?}.", one_line(given, 60)),
            format!("Choose one of {}.", all.join(", ")),
        )
    })
}

fn exists(dir: &Path, file: &str) -> Error {
    Error::new(
        ErrorCode::COMPANY_EXISTS,
        format!("{} holds a company already: {file} is there.", dir.display()),
        "Open it as it is, or choose another folder.",
    )
}

fn inside(dir: &Path, below: &Path) -> Result<(), Error> {
    let holds = || Ok(fs::canonicalize(below)?.starts_with(fs::canonicalize(dir)?));
    match holds() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(
            ErrorCode::COMPANY_FOLDER,
            format!("{} leads out of {}.", below.display(), dir.display()),
            "Remove the link, or choose another folder.",
        )),
        Err(error) => Err(files::folder_error("create", below, &error)),
    }
}

fn config_text(name: &str, template: &str, persona: &str, engine: &str, heads: Heads) -> String {
    let mut team = String::new();
    for (role, model, workers) in heads {
        team.push_str(&format!("  {role}:\n    enabled: true\n    model: {model}\n"));
        if !workers.is_empty() {
            team.push_str("    workers:\n");
        }
        for worker in *workers {
            team.push_str(&format!("      - {worker}:\n          model: sonnet\n"));
        }
    }
    // `engine.mode` knows the engines of Claude's models; the others have a section of their own.
    let (mode, engines) = match engine {
        "auto" | "anthropic-api" | "claude-code" | "practice" => (engine, String::new()),
        name => {
            ("auto", format!("\nengines:\n  # The engine in place of engine.mode, and its model.\n  use: {name}\n"))
        }
    };
    let name = config::scalar(name);
    let about = match about(template) {
        "" => {
            "  # Say here what your company is, for whom, and how it makes money. Every agent reads it: the better it \
             is, the\n  # better they work. `aicib config set company.about \"A bakery that …\"` writes it, too.\n  \
             about: \"\"\n"
                .to_owned()
        }
        text => format!(
            "  # What the company is and how it makes money. Every agent reads this: the better it is, the better they \
             work.\n  about: >-\n{}",
            fold(text, 4, 100)
        ),
    };
    format!(
        "\
# The company's config. Change it here, with `aicib config set KEY VALUE`, or in the app's settings.
# `aicib config validate` says what does not hold, and in which line.

company:
  name: {name}
  template: {template}
{about}
engine:
  # auto: the Anthropic API when its key is stored (`aicib key set`), else practice.
  # anthropic-api: always the API.  claude-code: Claude Code, with its login or your key.
  # practice: a rehearsal with no model and no cost.
  mode: {mode}
{engines}
settings:
  # Dollars. When a limit is reached no further model call is made. 0 means no limit.
  cost_limit_daily: 50
  cost_limit_monthly: 500

persona:
  # How everybody writes: professional, startup, technical or creative.
  preset: {persona}

tools:
  # Whether agents of a real model may run shell commands: true, false, or null for where they can be confined
  # (`aicib doctor` says whether they can). What exactly they may do without asking follows from their autonomy.
  commands: null

# Who is on the team. What each of them is told stands in {AGENTS_DIR}/ROLE.md.
# A model is opus, sonnet, haiku or a full Claude id. enabled: false takes somebody off the team.
agents:
{team}"
    )
}

/// A paragraph as lines of a folded block.
fn fold(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.len() + 1 + word.len() > width {
            out.push_str(&format!("{}{line}\n", " ".repeat(indent)));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    out.push_str(&format!("{}{line}\n", " ".repeat(indent)));
    out
}

/// What was made so far. Dropped without [`Made::keep`], it takes all of that away again, and nothing else.
#[derive(Default)]
struct Made {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    /// Makes a folder and those above it that are missing.
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        let missing: Vec<&Path> = path.ancestors().take_while(|folder| fs::symlink_metadata(folder).is_err()).collect();
        for folder in missing.into_iter().rev() {
            match fs::create_dir(folder) {
                Ok(()) => self.folders.push(folder.to_owned()),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        if path.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }

    /// Writes a file that is not there yet. One that is there with this very text counts as written: an attempt that
    /// was killed half-way does not stand in the way of the next one.
    fn file(&mut self, dir: &Path, path: &Path, text: &str) -> Result<(), Error> {
        match files::create_new(path, text) {
            Ok(()) => {
                self.files.push(path.to_owned());
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let same = files::read_inside(dir, path, text.len() as u64).is_ok_and(|old| old == text);
                if same { Ok(()) } else { Err(exists(dir, &files::shown(dir, path))) }
            }
            Err(error) => Err(files::folder_error("write", path, &error)),
        }
    }

    fn keep(mut self) {
        self.folders.clear();
        self.files.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // A failure here leaves a file behind and no company; the error that led here is what the caller is told.
        for file in self.files.drain(..).rev() {
            let _ = fs::remove_file(file);
        }
        for folder in self.folders.drain(..).rev() {
            let _ = fs::remove_dir(folder);
        }
    }
}
