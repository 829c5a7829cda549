//! The last warnings and errors, kept in memory.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use contract::{LogLevel, LoggedError, Time, one_line};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::redact::redact;

/// Lines that are kept.
const KEPT: usize = 20;
/// Characters of a line that are kept.
const CHARS: usize = 400;

/// The last warnings and errors. Clones share them.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<VecDeque<LoggedError>>>);

impl Recent {
    /// All of them, newest last.
    pub fn all(&self) -> Vec<LoggedError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn add(&self, line: LoggedError) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}

impl<S: Subscriber> Layer<S> for Recent {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let level = if *event.metadata().level() == Level::ERROR { LogLevel::Error } else { LogLevel::Warn };
        let text = one_line(&redact(&(words.message + &words.rest)), CHARS);
        self.add(LoggedError { at: Time::now(), level, text });
    }
}

/// An event in words, as in the log: what it says, and then each value with its name.
#[derive(Default)]
struct Words {
    message: String,
    rest: String,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn the_last_of_what_went_wrong_is_kept_without_keys() {
        let recent = Recent::default();
        let all = tracing_subscriber::registry().with(recent.clone().with_filter(LevelFilter::WARN));
        tracing::subscriber::with_default(all, || {
            for number in 0..30 {
                tracing::warn!(number, "odd");
            }
            tracing::info!("all is well");
            tracing::error!(error = %"401: sk-ant-api03-abcdefgh", "the provider\nrefused");
        });
        let kept = recent.all();
        assert_eq!(kept.len(), KEPT);
        assert_eq!((kept[0].level, kept[0].text.as_str()), (LogLevel::Warn, "odd number=11"));
        let last = &kept[KEPT - 1];
        assert_eq!(last.level, LogLevel::Error);
        assert_eq!(last.text, "the provider refused error=401: [secret]");
    }
}
