//! What is said natively, in the founder's language: tray, notices, dialogs of the system. The window has messages of its
//! own; what the command line and errors say is English.
//!
//! A language is a [`Words`] without a gap: a text that is missing in one does not compile.

mod de;
mod en;
mod figures;

use contract::{Act, JobId, Money, Notice, Press};

/// A language that we speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Language {
    /// The language that the settings name; where they name none, the system's. One that we do not speak is English.
    pub fn of(setting: &str) -> Language {
        match setting.trim() {
            "" => Language::of_system(sys_locale::get_locales()),
            tag => Language::of_tag(tag).unwrap_or_default(),
        }
    }

    /// The first that we speak of those that the system prefers.
    fn of_system(preferred: impl Iterator<Item = String>) -> Language {
        preferred.filter_map(|tag| Language::of_tag(&tag)).next().unwrap_or_default()
    }

    /// The language of a tag such as `de-AT`, or of a locale such as `de_DE.UTF-8`.
    fn of_tag(tag: &str) -> Option<Language> {
        let name = tag.split(['-', '_', '.', '@']).next().unwrap_or_default().to_ascii_lowercase();
        match name.as_str() {
            // The system's own language, where nobody chose one.
            "en" | "c" | "posix" => Some(Language::En),
            "de" => Some(Language::De),
            _ => None,
        }
    }

    /// What is said in it.
    pub const fn words(self) -> &'static Words {
        match self {
            Language::En => &en::WORDS,
            Language::De => &de::WORDS,
        }
    }

    /// A number, its thousands apart.
    pub fn count(self, n: usize) -> String {
        figures::count(self, n)
    }

    /// An amount as on a bill: cents from ten cents up, four digits below.
    pub fn money(self, money: Money) -> String {
        figures::money(self, money)
    }
}

/// What the founder's settings say to speak.
pub fn of(setting: &str) -> &'static Words {
    Language::of(setting).words()
}

/// All that is said in a language. Plain texts; and with numbers and names in them, functions.
#[derive(Debug)]
pub struct Words {
    /// Which it is.
    pub language: Language,

    /// So many jobs run.
    pub running: fn(usize) -> String,
    /// So many wait for the founder, for time or for each other.
    pub waiting: fn(usize) -> String,
    /// So many stand in line.
    pub in_line: fn(usize) -> String,
    /// So many are planned for later.
    pub planned: fn(usize) -> String,
    /// No job is under way.
    pub nothing_runs: &'static str,
    /// All work is on hold, and there is none.
    pub on_hold: &'static str,
    /// All work is on hold: this.
    pub on_hold_with: fn(&str) -> String,
    /// The work is being stopped.
    pub stopping: &'static str,
    /// The daemon is not there.
    pub connecting: &'static str,
    /// How things stand, and what today cost.
    pub header: fn(&str, &str) -> String,
    /// Somebody waits for the founder, in the icon's tooltip.
    pub mood_waiting: &'static str,
    /// A brief failed.
    pub mood_failed: &'static str,
    /// Work is under way.
    pub mood_working: &'static str,
    /// Nothing runs.
    pub mood_idle: &'static str,
    /// Opens Quick brief; that window's title, too.
    pub quick_brief: &'static str,
    /// Opens the window.
    pub open_app: &'static str,
    /// Puts all work on hold.
    pub pause_all: &'static str,
    /// Lets it go on.
    pub resume_all: &'static str,
    /// Ends the app.
    pub quit: &'static str,

    /// The question before the app ends.
    pub quit_title: &'static str,
    /// So many jobs are under way.
    pub quit_text: fn(usize) -> String,
    /// Ends the app alone.
    pub quit_keep: &'static str,
    /// Ends the work, too.
    pub quit_stop: &'static str,
    /// Ends nothing.
    pub cancel: &'static str,

    /// The dialog that picks files for a brief.
    pub attach_files: &'static str,
    /// The one that picks a folder.
    pub choose_folder: &'static str,
    /// The one that picks where to save.
    pub save_as: &'static str,

    /// A brief is done, by its title.
    pub done: fn(&str) -> String,
    /// One failed.
    pub failed: fn(&str) -> String,
    /// One was stopped at a limit.
    pub stopped_at_limit: fn(&str) -> String,
    /// Who finished which job, in what time, for what (where it cost something).
    pub finished: fn(&str, JobId, &str, Option<&str>) -> String,
    /// A job, and what is said of it.
    pub of_job: fn(JobId, &str) -> String,
    /// Who asks what.
    pub asks: fn(&str, &str) -> String,
    /// A brief, by its title, has reached a limit.
    pub limit_reached: fn(&str) -> String,
    /// One goes round in circles.
    pub circles: fn(&str) -> String,
    /// A job waits for the founder.
    pub waits: fn(JobId) -> String,
    /// What a question of our own says, which is English.
    pub own_question: fn(&str) -> String,
    /// Who wants to act how; and how the question says it, which is English.
    pub wants: fn(&str, Act, &str) -> String,
    /// An act is longer than fits.
    pub more_than_fits: &'static str,
    /// So many more briefs are done.
    pub more_done: fn(usize) -> String,
    /// So many more ended, and so many of them failed.
    pub more_ended: fn(usize, usize) -> String,
    /// And so many more.
    pub and_more: fn(usize) -> String,

    /// Seconds.
    pub seconds: fn(i64) -> String,
    /// Minutes and seconds.
    pub minutes: fn(i64, i64) -> String,
    /// Hours and minutes.
    pub hours: fn(i64, i64) -> String,

    /// The button that shows what a notice is about.
    pub open: &'static str,
    /// The one that shows what is asked.
    pub review: &'static str,
    /// The one that shows all notices.
    pub show_all: &'static str,
    /// The one that briefs anew about it.
    pub follow_up: &'static str,
    /// The one that allows.
    pub allow: &'static str,
    /// The one that denies.
    pub deny: &'static str,
}

impl Words {
    /// A stretch of time.
    pub fn span(&self, ms: i64) -> String {
        let seconds = (ms + 500) / 1000;
        match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
            (0, 0, seconds) => (self.seconds)(seconds),
            (0, minutes, seconds) => (self.minutes)(minutes, seconds),
            (hours, minutes, _) => (self.hours)(hours, minutes),
        }
    }

    /// The buttons on a notice: keys, and labels.
    pub fn buttons(&self, notice: &Notice) -> Vec<(String, String)> {
        let label = |press: &Press| match press {
            Press::Open if notice.question_id.is_some() => self.review,
            Press::Open if notice.together.is_some() => self.show_all,
            Press::Open => self.open,
            Press::FollowUp => self.follow_up,
            Press::Decide(decision) if decision.allow => self.allow,
            Press::Decide(_) => self.deny,
        };
        notice.presses().iter().map(|press| (press.key().to_owned(), label(press).to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use contract::{CompanyId, NoticeId, NoticeKind, QuestionId};

    use super::*;

    #[test]
    fn the_system_s_language_is_the_first_that_we_speak() {
        let of = |preferred: &[&str]| Language::of_system(preferred.iter().map(|tag| (*tag).to_owned()));
        for (preferred, language) in [
            (&["de-DE"][..], Language::De),
            (&["fr-FR", "de"], Language::De),
            (&["C", "de-DE"], Language::En),
            (&["POSIX"], Language::En),
            (&["fr-FR"], Language::En),
            (&[], Language::En),
        ] {
            assert_eq!(of(preferred), language, "{preferred:?}");
        }
        for (setting, language) in
            [("de", Language::De), ("DE-AT", Language::De), ("de_DE.UTF-8", Language::De), ("pt-BR", Language::En)]
        {
            assert_eq!(Language::of(setting), language, "{setting}");
        }
    }

    #[test]
    fn one_is_not_many() {
        let (en, de) = (Language::En.words(), Language::De.words());
        assert_eq!([(en.running)(1), (en.running)(2)], ["1 running", "2 running"]);
        assert_eq!([(de.running)(1), (de.running)(2)], ["1 läuft", "2 laufen"]);
        assert_eq!([(de.waiting)(1), (de.waiting)(1_200)], ["1 wartet", "1.200 warten"]);
        for words in [en, de] {
            assert_ne!((words.quit_text)(1), (words.quit_text)(2).replace('2', "1"));
            assert_ne!((words.more_ended)(5, 1), (words.more_ended)(5, 2));
        }
    }

    #[test]
    fn time_is_spoken() {
        let spoken = |words: &Words| [400, 8_200, 96_000, 3_720_000].map(|ms| words.span(ms));
        assert_eq!(spoken(Language::En.words()), ["0 s", "8 s", "1 m 36 s", "1 h 2 m"]);
        assert_eq!(spoken(Language::De.words()), ["0 s", "8 s", "1 min 36 s", "1 h 2 min"]);
    }

    #[test]
    fn buttons_are_of_what_a_notice_is_about() {
        let notice = Notice {
            notice_id: NoticeId(1),
            job_id: JobId(7),
            company_id: CompanyId(1),
            kind: NoticeKind::Done,
            title: String::new(),
            body: String::new(),
            urgent: false,
            question_id: None,
            decidable: false,
            together: None,
        };
        let labels = |notice: &Notice, language: Language| {
            language.words().buttons(notice).into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(labels(&notice, Language::En), "Open, Brief a follow-up");
        let several = Notice { together: Some(6), ..notice.clone() };
        assert_eq!(labels(&several, Language::En), "Show all");
        let question = Notice { kind: NoticeKind::Question, question_id: Some(QuestionId(3)), ..notice.clone() };
        assert_eq!(labels(&question, Language::De), "Ansehen");
        let approval = Notice { kind: NoticeKind::Approval, decidable: true, ..question };
        assert_eq!(labels(&approval, Language::De), "Erlauben, Ablehnen, Ansehen");
        // Each comes back as what it was.
        for notice in [notice, several, approval] {
            for (press, (key, _)) in notice.presses().into_iter().zip(Language::En.words().buttons(&notice)) {
                assert_eq!(Press::of_key(&key), Some(press));
            }
        }
    }
}
