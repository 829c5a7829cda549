//! One row on one engine: what is set up, what is played, and what has to hold afterwards whatever it was.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use contract::{EngineKind, Outcome};
use engine::{Brief, Ending, Patience};
use testkit::{Provider, Script};
use tokio_util::sync::CancellationToken;

use crate::engines::{KEY, Under};
use crate::folder::Folder;
use crate::host::TestHost;
use crate::rows::Row;
use crate::{alone, census};

/// How long a run may take at most.
const BOUND: Duration = Duration::from_secs(60);

/// What a row has to play with.
pub struct Trial {
    pub engine: Under,
    pub provider: Provider,
    pub folder: Folder,
    pub host: TestHost,
    /// Whether an answer breaks off before it says what it used.
    breaks_off: Cell<bool>,
    litter: BTreeSet<String>,
}

/// Plays a row on an engine. Why it does not hold, where it does not.
pub fn play(row: &Row, engine: &Under) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let trial = Trial {
                engine: engine.clone(),
                provider: Provider::start(Script::default()).await,
                folder: Folder::new(),
                host: TestHost::new(),
                breaks_off: Cell::new(false),
                litter: census::litter(),
            };
            (row.play)(trial).await;
        });
    }));
    runtime.shutdown_timeout(Duration::from_secs(1));
    played.map_err(words)
}

fn words(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map_or_else(|_| "it panicked".into(), |text| (*text).to_owned()),
    }
}

impl Trial {
    /// A brief with every act allowed.
    pub fn brief(&self, directive: &str) -> Brief {
        self.folder.brief(directive, self.engine.spec(&self.provider, &self.folder))
    }

    /// A file of the company's folder.
    pub fn file(&self, path: &str) -> PathBuf {
        self.folder.dir.join(path)
    }

    /// Waits for something that has to happen.
    pub async fn until(&self, what: &str, is: impl FnMut() -> bool) {
        let happened = testkit::wait_for(BOUND / 2, is).await;
        assert!(happened, "{what} did not happen; events: {}", self.story());
    }

    /// The run so far, in short.
    pub fn story(&self) -> String {
        let bodies = self.host.bodies();
        let text = bodies.iter().map(|body| {
            let text = serde_json::to_string(body).unwrap();
            text.chars().take(300).collect::<String>()
        });
        text.filter(|text| !text.contains("\"kind\":\"prompt\"")).collect::<Vec<_>>().join("\n  ")
    }

    /// Plays a brief to its end, and looks at what is left.
    pub async fn run(&self, brief: &Brief) -> Ending {
        self.run_while(brief, async {}).await
    }

    /// The same, with something that happens meanwhile.
    pub async fn run_while(&self, brief: &Brief, meanwhile: impl Future<Output = ()>) -> Ending {
        let over = CancellationToken::new();
        let mark = process::Mark::from(brief.mark.clone());
        let secret = if self.engine.is_keyed { KEY } else { "no secret of ours" };
        let watching = tokio::spawn(census::watch(mark.clone(), secret, over.clone()));
        let engine = engine::open_with(brief.spec.clone(), patience(&self.engine)).unwrap();
        let playing = async {
            let ending = tokio::time::timeout(BOUND, engine.run(brief, &self.host)).await;
            ending.unwrap_or_else(|_| panic!("it did not end; events:\n  {}", self.story()))
        };
        let (ending, ()) = tokio::join!(playing, meanwhile);
        let left: Vec<String> = census::near(self.folder.home());
        let marked = process::census(None, &mark);
        over.cancel();
        let seen = watching.await.unwrap();
        assert_eq!(left, Vec::<String>::new(), "processes are left");
        assert_eq!(marked, [], "marked processes are left");
        assert_eq!(seen, Vec::<String>::new(), "the key was seen");
        self.look_around();
        self.host.check();
        self.look_at_cost();
        ending
    }

    /// Every call is in the books, to the nano-dollar where that can be known.
    fn look_at_cost(&self) {
        let (cost, spent) = (self.host.cost(), self.provider.spent_nanos());
        let speaks_messages = self.engine.kind == EngineKind::AnthropicApi
            || self.engine.kind == EngineKind::ClaudeCode
            || self.engine.agent == "claude";
        if self.engine.is_practice() {
            assert_eq!(cost, 0);
        } else if self.breaks_off.get() && !self.engine.is_keyed {
            // Only the program knows, and it may not have lived to say.
        } else if self.breaks_off.get() && !speaks_messages {
            // Only the Messages API says at its beginning what an answer uses: elsewhere it is estimated.
            assert!(cost >= spent, "{cost} of {spent} is told");
        } else if self.engine.is_metered() {
            assert_eq!(cost, spent, "the cost is not right; events:\n  {}", self.story());
        }
    }

    /// Nothing lies where nothing of a run may be.
    fn look_around(&self) {
        assert_eq!(self.folder.strangers(), Vec::<PathBuf>::new(), "files are left beside the run");
        assert_eq!(census::files(&alone::home()), Vec::<PathBuf>::new(), "files are left in the founder's home");
        let litter = census::litter();
        let left: Vec<_> = litter.difference(&self.litter).collect();
        assert_eq!(left, Vec::<&String>::new(), "files are left in the temporary folder");
    }

    /// An answer, or the program, is going to break off.
    pub fn breaks_off(&self) {
        self.breaks_off.set(true);
    }

    /// That a run ended so, with this code.
    pub fn ended(&self, ending: &Ending, outcome: Outcome, code: &str) {
        let of = ending.error.as_ref().map_or("", |error| error.code.as_str());
        assert_eq!((ending.outcome, of), (outcome, code), "{:?}; events:\n  {}", ending.error, self.story());
    }

    /// That it was done, with this in the answer.
    pub fn completed(&self, ending: &Ending, words: &str) {
        self.ended(ending, Outcome::Completed, "");
        if !self.engine.is_practice() {
            let answer = ending.answer.clone().unwrap_or_default();
            assert!(answer.contains(words), "{answer:?}; events:\n  {}", self.story());
        }
    }
}

/// Waits short enough for tests, and long enough for programs that have to start.
fn patience(engine: &Under) -> Patience {
    let slow = if engine.is_program() { 30 } else { 1 };
    Patience {
        first_byte: Duration::from_millis(800) * slow,
        stall: Duration::from_millis(600) * slow,
        outage: Duration::from_secs(20),
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_millis(20),
        lease_again: Duration::from_millis(50),
        ..Patience::default()
    }
}
