//! Who waits for the answer to which notification.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many notifications are waited for. Users leave them lying: the oldest is let go.
pub(crate) const MOST_WAITING: usize = 32;
/// How many answers are kept for notifications whose number we have not been told yet.
const MOST_EARLY: usize = 64;

/// A notification: the server's own name on the bus, and its number there.
type Number = (String, u32);

/// The notifications that are up, shared by those who show them and the one who listens for answers.
#[derive(Clone, Default)]
pub(crate) struct Waiting(Arc<Mutex<Ledger>>);

#[derive(Default)]
struct Ledger {
    waiting: VecDeque<(Number, oneshot::Sender<String>)>,
    /// Answers that came before the reply which tells us the notification's number.
    early: VecDeque<(Number, Option<String>)>,
    being_shown: usize,
}

/// While it lives, answers to unknown notifications are kept.
pub(crate) struct BeingShown(Waiting);

impl Waiting {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Every change of the ledger is complete before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be held while a notification is sent and until [`Waiting::wait_for`] has been called.
    pub(crate) fn begin(&self) -> BeingShown {
        self.ledger().being_shown += 1;
        BeingShown(self.clone())
    }

    /// What comes is the action; an error if it is closed or let go.
    pub(crate) fn wait_for(&self, server: &str, id: u32) -> oneshot::Receiver<String> {
        let mut ledger = self.ledger();
        let (sender, receiver) = oneshot::channel();
        let number = (server.to_owned(), id);
        if let Some(at) = ledger.early.iter().position(|(early, _)| *early == number) {
            if let Some((_, Some(action))) = ledger.early.remove(at) {
                // The receiver is right here.
                let _ = sender.send(action);
            }
            return receiver;
        }
        // A server that uses a number again has forgotten the old one.
        ledger.waiting.retain(|(known, sender)| *known != number && !sender.is_closed());
        if ledger.waiting.len() == MOST_WAITING {
            ledger.waiting.pop_front();
        }
        ledger.waiting.push_back((number, sender));
        receiver
    }

    /// The user chose an action, or the notification was closed without one.
    pub(crate) fn answered(&self, server: &str, id: u32, action: Option<String>) {
        let mut ledger = self.ledger();
        let is_it = |number: &Number| number.0 == server && number.1 == id;
        if let Some(at) = ledger.waiting.iter().position(|(number, _)| is_it(number)) {
            if let (Some((_, sender)), Some(action)) = (ledger.waiting.remove(at), action) {
                // Nobody may be waiting any more.
                let _ = sender.send(action);
            }
        } else if ledger.being_shown > 0 && !ledger.early.iter().any(|(number, _)| is_it(number)) {
            // Only the first answer counts: closing follows an action.
            if ledger.early.len() == MOST_EARLY {
                ledger.early.pop_front();
            }
            ledger.early.push_back(((server.to_owned(), id), action));
        }
    }

    /// A server is gone, and its notifications with it.
    pub(crate) fn server_gone(&self, server: &str) {
        self.ledger().waiting.retain(|(number, _)| number.0 != server);
    }

    /// The bus is gone.
    pub(crate) fn all_gone(&self) {
        self.ledger().waiting.clear();
    }
}

impl Drop for BeingShown {
    fn drop(&mut self) {
        let mut ledger = self.0.ledger();
        ledger.being_shown -= 1;
        if ledger.being_shown == 0 {
            ledger.early.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reaches_its_notification_and_no_other() {
        let waiting = Waiting::default();
        let (mut one, mut two) = (waiting.wait_for(":1.5", 1), waiting.wait_for(":1.5", 2));
        waiting.answered(":1.9", 1, Some("forged".into()));
        waiting.answered(":1.5", 2, Some("open".into()));
        waiting.answered(":1.5", 2, None);
        assert_eq!(one.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert_eq!(two.try_recv(), Ok("open".into()));
        waiting.answered(":1.5", 1, None);
        assert_eq!(one.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn an_answer_that_comes_before_the_number_is_known_is_not_lost() {
        let waiting = Waiting::default();
        waiting.answered(":1.5", 7, Some("old".into()));
        let showing = waiting.begin();
        waiting.answered(":1.5", 7, Some("open".into()));
        waiting.answered(":1.5", 7, None);
        let mut receiver = waiting.wait_for(":1.5", 7);
        drop(showing);
        assert_eq!(receiver.try_recv(), Ok("open".into()));
        let mut again = waiting.wait_for(":1.5", 7);
        assert_eq!(again.try_recv(), Err(oneshot::error::TryRecvError::Empty), "an old answer is not used twice");
    }

    #[test]
    fn the_oldest_is_let_go_and_the_forgotten_take_no_place() {
        let waiting = Waiting::default();
        for id in 0..1000 {
            drop(waiting.wait_for(":1.5", id));
        }
        assert!(waiting.ledger().waiting.len() <= 1);
        let mut receivers: Vec<_> = (0..=MOST_WAITING as u32).map(|id| waiting.wait_for(":1.6", id)).collect();
        assert_eq!(receivers[0].try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(receivers[1].try_recv(), Err(oneshot::error::TryRecvError::Empty));
        assert_eq!(waiting.ledger().waiting.len(), MOST_WAITING);
        waiting.server_gone(":1.7");
        assert_eq!(waiting.ledger().waiting.len(), MOST_WAITING);
        waiting.server_gone(":1.6");
        assert_eq!(receivers[1].try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
