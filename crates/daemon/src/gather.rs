//! Ends of briefs that come in a heap: the first few are told one by one, the others together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::{Notice, NoticeKind, one_line};
use tokio::time::Instant;
use words::Words;

/// So many within that time are told one by one.
const ALONE: usize = 3;
const WITHIN: Duration = Duration::from_secs(10);
/// How long what comes after them is gathered.
pub const GATHERS: Duration = Duration::from_secs(5);
/// Titles that are named of those told together.
const NAMED: usize = 3;
/// Characters of each.
const TITLE_CHARS: usize = 60;
/// Notices gathered, at most: one more, and the oldest is only counted. It is in the app's own list.
const MOST: usize = 1_000;

/// What was told lately, and what is being gathered.
#[derive(Default)]
pub struct Gather {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    told: VecDeque<Instant>,
    gathered: VecDeque<Notice>,
    more: usize,
}

/// What to do with a notice.
#[derive(Debug, PartialEq)]
pub enum Way {
    /// Tell it now.
    Alone(Box<Notice>),
    /// It was put with others; the first of them, so that somebody has to tell them after [`GATHERS`].
    First,
    /// It was put with others.
    Together,
    /// It was put with so many others that this one is only counted among them from now on.
    InPlaceOf(Box<Notice>),
}

impl Gather {
    /// Says what to do with a notice. What asks for an answer is never put together.
    pub fn take(&self, notice: Notice, now: Instant) -> Way {
        let mut state = self.state();
        if !matches!(notice.kind, NoticeKind::Done | NoticeKind::Failed) {
            return Way::Alone(Box::new(notice));
        }
        while state.told.front().is_some_and(|told| now.duration_since(*told) > WITHIN) {
            state.told.pop_front();
        }
        if state.gathered.is_empty() && state.told.len() < ALONE {
            state.told.push_back(now);
            return Way::Alone(Box::new(notice));
        }
        state.gathered.push_back(notice);
        match state.gathered.len() {
            1 => Way::First,
            n if n > MOST => match state.gathered.pop_front() {
                Some(oldest) => {
                    state.more += 1;
                    Way::InPlaceOf(Box::new(oldest))
                }
                None => Way::Together,
            },
            _ => Way::Together,
        }
    }

    /// What was gathered: one notice that speaks for all of it, and the others.
    pub fn together(&self, now: Instant, words: &Words) -> Option<(Notice, Vec<Notice>)> {
        let mut state = self.state();
        let gathered = std::mem::take(&mut state.gathered);
        let more = std::mem::take(&mut state.more);
        state.told.push_back(now);
        let mut gathered = Vec::from(gathered);
        let count = gathered.len() + more;
        if count > 1 {
            let failed = gathered.iter().filter(|notice| notice.kind == NoticeKind::Failed).count();
            let title = |notice: &Notice| one_line(&notice.title, TITLE_CHARS);
            let mut titles: Vec<String> = gathered.iter().take(NAMED).map(title).collect();
            if count > NAMED {
                titles.push((words.and_more)(count - NAMED));
            }
            let last = gathered.last_mut()?;
            last.title = if failed == 0 { (words.more_done)(count) } else { (words.more_ended)(count, failed) };
            last.body = titles.join("\n");
            last.urgent = failed > 0;
            last.together = i64::try_from(count).ok();
        }
        let last = gathered.pop()?;
        Some((last, gathered))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use contract::{CompanyId, JobId, NoticeId};

    use super::*;

    fn notice(id: i64, kind: NoticeKind) -> Notice {
        Notice {
            notice_id: NoticeId(id),
            job_id: JobId(id),
            company_id: CompanyId(1),
            kind,
            title: format!("Done: brief {id}"),
            body: String::new(),
            urgent: kind == NoticeKind::Failed,
            question_id: None,
            decidable: false,
            together: None,
        }
    }

    #[test]
    fn a_heap_of_ends_is_told_together_and_a_question_never_is() {
        let gather = Gather::default();
        let now = Instant::now();
        for id in 1..=3 {
            assert!(matches!(gather.take(notice(id, NoticeKind::Done), now), Way::Alone(_)));
        }
        assert_eq!(gather.take(notice(4, NoticeKind::Done), now), Way::First);
        for id in 5..=9 {
            assert_eq!(gather.take(notice(id, NoticeKind::Failed), now), Way::Together);
        }
        assert!(matches!(gather.take(notice(10, NoticeKind::Approval), now), Way::Alone(_)));
        let (speaks, others) = gather.together(now, words::of("en")).unwrap();
        assert_eq!((speaks.notice_id, others.len(), speaks.urgent), (NoticeId(9), 5, true));
        assert_eq!(speaks.title, "6 more briefs ended, 5 of them failed");
        assert_eq!(speaks.together, Some(6), "it is about none of them alone");
        assert_eq!(speaks.body, "Done: brief 4\nDone: brief 5\nDone: brief 6\nand 3 more");
        // Once it is calm, each is told alone again.
        let later = now + WITHIN + Duration::from_secs(1);
        assert!(matches!(gather.take(notice(11, NoticeKind::Done), later), Way::Alone(_)));
        assert_eq!(gather.together(later, words::of("en")), None);
    }

    #[test]
    fn one_that_is_alone_after_all_is_told_as_it_is() {
        let gather = Gather::default();
        let now = Instant::now();
        (1..=4).for_each(|id| drop(gather.take(notice(id, NoticeKind::Done), now)));
        let (alone, others) = gather.together(now, words::of("en")).unwrap();
        assert_eq!((alone.title.as_str(), others.len(), alone.together), ("Done: brief 4", 0, None));
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let gather = Gather::default();
        let now = Instant::now();
        let ways = (1..=2_003).map(|id| gather.take(notice(id, NoticeKind::Done), now));
        let counted = ways.filter(|way| matches!(way, Way::InPlaceOf(_))).count();
        assert_eq!(counted, 1_000, "each can be recorded as told");
        let (speaks, others) = gather.together(now, words::of("en")).unwrap();
        assert_eq!((speaks.title.as_str(), others.len()), ("2,000 more briefs are done", MOST - 1));
    }
}
