//! What runs, over all companies, in the few words that a tray has room for.

use std::collections::{BTreeMap, BTreeSet};

use contract::{CompanyId, Desk, DeskChange, Job, JobId, JobState, Money, Question, Time};
use words::{Language, Words};

use crate::mark::Mood;

/// Jobs that the menu lists.
pub const LISTED: usize = 5;
/// Questions that it lists.
pub const ASKED: usize = 3;
/// Characters of a job's title in the menu.
const TITLE_CHARS: usize = 44;

/// What runs and what it costs, as the Desks of all companies tell it.
pub struct Board {
    companies: BTreeMap<CompanyId, Row>,
    held: bool,
    connected: bool,
    stopping: bool,
    /// A brief failed, and the founder has not looked since.
    failed: bool,
    /// When the founder looked last, or we began: what failed before that is known.
    looked: Time,
}

impl Default for Board {
    fn default() -> Board {
        Board {
            companies: BTreeMap::new(),
            held: false,
            connected: false,
            stopping: false,
            failed: false,
            looked: Time::now(),
        }
    }
}

#[derive(Default)]
struct Row {
    live: BTreeMap<JobId, Job>,
    questions: Vec<Question>,
    today: Money,
}

/// What the tray shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Face {
    /// The menu's first line.
    pub header: String,
    /// Questions that wait for the founder, by their jobs, as the menu lists them.
    pub questions: Vec<(JobId, String)>,
    /// How things stand, as the icon says.
    pub mood: Mood,
    /// Jobs that run, as the menu lists them.
    pub jobs: Vec<(JobId, String)>,
    /// The text beside the icon, where the platform has it; empty for none.
    pub title: String,
    /// Whether all work is on hold.
    pub held: bool,
    /// The language of all of it.
    pub language: Language,
}

impl Board {
    /// A company's Desk was read.
    pub fn reset(&mut self, desk: &Desk) {
        let live = desk.live.iter().map(|job| (job.job_id, job.clone())).collect();
        self.companies.insert(
            desk.company.company_id,
            Row { live, questions: desk.questions.clone(), today: desk.spend.today_usd },
        );
        self.held = desk.held;
    }

    /// All work was put on hold, or goes on.
    pub fn holds(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether all work is on hold, of every company.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// A company's Desk changed.
    pub fn changed(&mut self, change: &DeskChange) {
        let Some(row) = self.companies.get_mut(&change.company_id) else { return };
        for job in &change.jobs {
            // One that failed earlier may change once more: that is no news.
            self.failed |= job.state == JobState::Failed && job.finished_at.is_some_and(|at| at > self.looked);
            if job.state.is_final() {
                row.live.remove(&job.job_id);
            } else {
                row.live.insert(job.job_id, job.clone());
            }
        }
        if let Some(questions) = &change.questions {
            row.questions.clone_from(questions);
        }
        if let Some(spend) = &change.spend {
            row.today = spend.today_usd;
        }
    }

    /// Whether a brief failed that the founder has not seen.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The founder has looked at the window: what failed before is known.
    pub fn looked(&mut self) {
        self.failed = false;
        self.looked = Time::now();
    }

    /// The connection is gone: what is known may be wrong by now.
    pub fn lost(&mut self) {
        self.companies.clear();
        self.connected = false;
    }

    /// All Desks have been read.
    pub fn ready(&mut self) {
        self.connected = true;
    }

    /// Whether all Desks are known: only then is what is not there known not to be.
    pub fn is_ready(&self) -> bool {
        self.connected
    }

    /// The founder had the work stopped, and the app ends when it has.
    pub fn stopping(&mut self) {
        self.stopping = true;
    }

    /// Those of `companies` whose Desk has not been read.
    pub fn missing(&self, companies: &BTreeSet<CompanyId>) -> Vec<CompanyId> {
        companies.iter().filter(|id| !self.companies.contains_key(id)).copied().collect()
    }

    /// Jobs under way, or behind one that is: those that have not begun first, then the oldest. One that waits for its
    /// time is not: whoever quits in the evening wants it done in the night.
    pub fn live(&self) -> Vec<JobId> {
        let mut jobs: Vec<&Job> = self.jobs().filter(|job| job.state.is_in_line()).collect();
        jobs.sort_by_key(|job| (job.state != JobState::Queued, job.job_id));
        jobs.iter().map(|job| job.job_id).collect()
    }

    fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.companies.values().flat_map(|row| row.live.values())
    }

    /// What the tray shows of it, in a language.
    pub fn face(&self, words: &Words) -> Face {
        let today = self.companies.values().fold(Money::ZERO, |sum, row| sum + row.today);
        let count = |states: &[JobState]| self.jobs().filter(|job| states.contains(&job.state)).count();
        let running = count(&[JobState::Running]);
        let waiting = count(&[JobState::Waiting, JobState::Retrying]);
        let queued = count(&[JobState::Queued]);
        let later = count(&[JobState::Scheduled, JobState::Blocked]);
        let today = words.language.money(today);
        let counted =
            [(running, words.running), (waiting, words.waiting), (queued, words.in_line), (later, words.planned)];
        let parts: Vec<String> = counted.iter().filter(|(n, _)| *n > 0).map(|(n, say)| say(*n)).collect();
        let work = match (self.held, parts.is_empty()) {
            (false, true) => words.nothing_runs.to_owned(),
            (false, false) => parts.join(", "),
            (true, true) => words.on_hold.to_owned(),
            (true, false) => (words.on_hold_with)(&parts.join(", ")),
        };
        let header = match (self.stopping, self.connected) {
            (true, _) => words.stopping.to_owned(),
            (_, false) => words.connecting.to_owned(),
            _ => (words.header)(&work, &today),
        };
        let active = running + waiting;
        let title = if active > 0 { format!("{active} · {today}") } else { String::new() };

        let has_begun = |job: &&Job| job.state.is_in_line() && job.state != JobState::Queued;
        let mut jobs: Vec<&Job> = self.jobs().filter(has_begun).collect();
        jobs.sort_by_key(|job| std::cmp::Reverse(job.job_id));
        let jobs = jobs.into_iter().take(LISTED).map(|job| (job.job_id, label(job))).collect();
        let mut asked: Vec<&Question> = self.companies.values().flat_map(|row| &row.questions).collect();
        asked.sort_by_key(|question| question.question_id);
        let mood = match (asked.is_empty(), self.failed, active > 0) {
            (false, ..) => Mood::Waiting,
            (true, true, _) => Mood::Failed,
            (true, false, true) => Mood::Working,
            (true, false, false) => Mood::Idle,
        };
        let questions = asked.into_iter().take(ASKED).map(|question| (question.job_id, asks(question))).collect();
        Face { header, questions, mood, jobs, title, held: self.held, language: words.language }
    }
}

fn asks(question: &Question) -> String {
    format!("? #{} {}", question.job_id, contract::one_line(&question.text, TITLE_CHARS))
}

fn label(job: &Job) -> String {
    format!("#{} {}", job.job_id, contract::one_line(&job.title, TITLE_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn job(id: i64, state: &str) -> Value {
        json!({
            "job_id": id, "company_id": 1, "session_id": 1, "agent": "ceo", "title": format!("Brief number {id}"), "state": state,
            "reason": "", "engine": "practice", "origin": "desk", "foreground": false, "created_at": 0,
            "cost_usd": 0.0, "cost_basis": "free", "max_cost_usd": 5.0, "turns": 0, "priority": 0, "held": false,
            "attempts": 0, "seq": id
        })
    }

    fn change(company: i64, jobs: Vec<Value>, today: Option<f64>) -> DeskChange {
        let spend = today.map(|today| {
            json!({ "today_usd": today, "daily_limit_usd": 50.0, "month_usd": today, "monthly_limit_usd": 0.0, "days": [] })
        });
        let mut change = json!({ "seq": 9, "company_id": company, "jobs": jobs, "team": [], "reload": false });
        if let Some(spend) = spend {
            change["spend"] = spend;
        }
        serde_json::from_value(change).unwrap()
    }

    fn face(board: &Board) -> Face {
        board.face(words::of("en"))
    }

    fn board(companies: &[i64]) -> Board {
        let mut board = Board::default();
        for id in companies {
            board.companies.insert(CompanyId(*id), Row::default());
        }
        board.ready();
        board
    }

    #[test]
    fn the_header_counts_over_all_companies() {
        let mut board = board(&[1, 2]);
        assert_eq!(face(&board).header, "Nothing running · $0.00 today");
        assert_eq!(face(&board).title, "");
        board.changed(&change(1, vec![job(1, "running"), job(2, "queued")], Some(4.0)));
        board.changed(&change(2, vec![job(3, "running"), job(4, "waiting")], Some(0.18)));
        let face = face(&board);
        assert_eq!(face.header, "2 running, 1 waiting, 1 in line · $4.18 today");
        assert_eq!(face.title, "3 · $4.18");
        assert_eq!(face.jobs[0], (JobId(4), "#4 Brief number 4".into()));
        assert_eq!(board.live(), [JobId(2), JobId(1), JobId(3), JobId(4)]);
    }

    #[test]
    fn a_job_that_ended_leaves_and_the_list_stays_short() {
        let mut board = board(&[1]);
        board.changed(&change(1, (1..=9).map(|id| job(id, "running")).collect(), None));
        assert_eq!(face(&board).jobs.len(), LISTED);
        board.changed(&change(1, (1..=9).map(|id| job(id, "completed")).collect(), None));
        assert_eq!(face(&board).header, "Nothing running · $0.00 today");
        assert!(face(&board).jobs.is_empty());
    }

    #[test]
    fn what_waits_for_its_time_is_told_and_does_not_keep_one_from_quitting() {
        let mut board = board(&[1]);
        let jobs = vec![job(1, "scheduled"), job(2, "blocked"), job(3, "retrying"), job(4, "queued")];
        board.changed(&change(1, jobs, None));
        assert_eq!(face(&board).header, "1 waiting, 1 in line, 2 planned · $0.00 today");
        assert_eq!(board.live(), [JobId(4), JobId(3)]);
        assert_eq!(face(&board).jobs, [(JobId(3), "#3 Brief number 3".to_owned())]);
    }

    #[test]
    fn a_hold_of_everything_is_said_first() {
        let mut board = board(&[1]);
        board.holds(true);
        assert_eq!(face(&board).header, "All work on hold · $0.00 today");
        board.changed(&change(1, vec![job(1, "waiting")], None));
        assert_eq!(face(&board).header, "All work on hold: 1 waiting · $0.00 today");
        assert!(face(&board).held);
        board.holds(false);
        assert_eq!(face(&board).header, "1 waiting · $0.00 today");
    }

    #[test]
    fn what_is_not_known_is_not_claimed() {
        let mut board = board(&[1]);
        board.changed(&change(7, vec![job(1, "running")], None));
        assert_eq!(board.missing(&BTreeSet::from([CompanyId(1), CompanyId(7)])), [CompanyId(7)]);
        board.lost();
        assert_eq!(face(&board).header, "Connecting…");
        assert!(face(&board).jobs.is_empty());
    }

    #[test]
    fn it_speaks_the_founder_s_language() {
        let mut board = board(&[1]);
        board.changed(&change(1, vec![job(1, "running"), job(2, "running"), job(3, "waiting")], Some(1_234.56)));
        let face = board.face(words::of("de"));
        assert_eq!(face.header, "2 laufen, 1 wartet · 1.234,56\u{a0}$ heute");
        assert_eq!(face.title, "3 · 1.234,56\u{a0}$");
    }

    #[test]
    fn a_failure_shows_until_the_founder_looks_and_no_longer() {
        let mut board = board(&[1]);
        let failed = |id: i64, at: Time| {
            let mut job = job(id, "failed");
            job["finished_at"] = json!(at);
            job
        };
        let long_ago = Time(1);
        board.changed(&change(1, vec![failed(1, long_ago)], None));
        assert_eq!(face(&board).mood, Mood::Idle, "it was known before we began");
        let soon = Time(Time::now().0 + 60_000);
        board.changed(&change(1, vec![failed(2, soon)], None));
        assert_eq!(face(&board).mood, Mood::Failed);
        board.looked = Time(soon.0 + 1);
        board.failed = false;
        board.changed(&change(1, vec![failed(2, soon)], None));
        assert_eq!(face(&board).mood, Mood::Idle, "what changes of it later is no news");
    }
}
