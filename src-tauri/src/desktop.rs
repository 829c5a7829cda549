//! What the parts of the app share, and what happens when the daemon says something.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::methods::{
    CompanyListAll, DeskChanged, DeskSubscribe, DesktopAttach, EventSubscribe, EventUnsubscribe, Method, Note,
    NoticePresent, SettingsGet, ShowRequested, Topic, method_info,
};
use contract::{CompanyId, CompanyRef, Desk, Empty, Error, EventSubscribeParams, JobId, Settings, Show, Subscription};
use rpc::{Client, Home, Incoming, NoteReceiver};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tauri::AppHandle;
use tokio::sync::Notify;
use words::Words;

use crate::link::{Link, LinkState};
use crate::notices::Notices;
use crate::pages::{Pages, Pushed};
use crate::routes::{Routed, Routes};
use crate::shortcut::Shortcut;
use crate::tray::Tray;
use crate::{quit, window};

/// How often companies and settings are read again, where nothing was told: what was missed shows by then.
const LOOK_AROUND: Duration = Duration::from_secs(30);

/// The app's parts.
pub struct Desktop {
    /// The app.
    pub app: AppHandle,
    /// The home it shows.
    pub home: Home,
    /// The connection to its daemon.
    pub link: Link,
    /// The windows' pages.
    pub pages: Pages,
    /// The tray icon and its menu.
    pub tray: Tray,
    /// The global shortcut.
    pub shortcut: Shortcut,
    /// Notices that are on screen.
    pub notices: Notices,
    /// Whether Quick brief has round corners.
    pub quick_is_round: AtomicBool,
    routes: Mutex<Routes>,
    settings: Mutex<Settings>,
    viewing: Mutex<Option<JobId>>,
    look_around: Notify,
    /// One Desk is read at a time: of two that overlap, the older could be answered last and be believed.
    reading: tokio::sync::Mutex<()>,
}

impl Desktop {
    /// The parts, not started yet.
    pub fn new(app: AppHandle, home: Home, link: Link) -> Desktop {
        Desktop {
            app,
            home,
            link,
            pages: Pages::default(),
            tray: Tray::default(),
            shortcut: Shortcut::default(),
            notices: Notices::default(),
            quick_is_round: AtomicBool::new(false),
            routes: Mutex::default(),
            settings: Mutex::default(),
            viewing: Mutex::default(),
            look_around: Notify::new(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The founder's settings, as last read.
    pub fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    /// What is said natively, in the founder's language.
    pub fn words(&self) -> &'static Words {
        words::of(&lock(&self.settings).language)
    }

    /// The job that the main window shows.
    pub fn viewing(&self) -> Option<JobId> {
        *lock(&self.viewing)
    }

    /// The main window shows this job, or none.
    pub fn set_viewing(&self, job: Option<JobId>) {
        *lock(&self.viewing) = job;
    }

    /// Keeps the connection to the daemon for as long as the app runs.
    pub async fn run(self: Arc<Self>) {
        tauri::async_runtime::spawn(self.clone().tell_link());
        tauri::async_runtime::spawn(self.clone().look_around());
        let mut tries = 0;
        loop {
            let Ok((client, notes)) = self.link.connect(tries).await else {
                tries += 1;
                continue;
            };
            let connected = std::time::Instant::now();
            let again = lock(&self.routes).reconnect();
            // Notes are taken while this calls: the connection reads nothing more once too many of them wait.
            let attach = tauri::async_runtime::spawn(self.clone().attach(client.clone(), again));
            self.take_notes(notes).await;
            attach.abort();
            self.link.lost();
            self.tray.lost();
            tracing::info!("the daemon went away");
            // Not at once: a newer program may be about to start a newer daemon, and one that throws us out again
            // and again is asked less and less often.
            tries = if connected.elapsed() < Duration::from_secs(2) { tries + 2 } else { 1 };
        }
    }

    async fn take_notes(self: &Arc<Self>, mut notes: NoteReceiver) {
        while let Some(note) = notes.recv().await {
            match note.method.as_str() {
                NoticePresent::NAME => {
                    if let Some(notice) = read(&note) {
                        self.notices.present(self, notice);
                    }
                }
                ShowRequested::NAME => {
                    if let Some(show) = read::<Show>(&note) {
                        window::bring_up(self, show);
                    }
                }
                DeskChanged::NAME => {
                    self.desk_changed(&note);
                    quit::follow(self);
                    self.route(note);
                }
                _ => self.route(note),
            }
        }
    }

    fn desk_changed(self: &Arc<Self>, note: &Incoming) {
        let Some(change) = read::<contract::DeskChange>(note) else { return };
        self.tray.changed(&change);
        if self.tray.tells_of_failure() && window::is_looked_at(self) {
            self.tray.looked();
        }
        // A company that is not known yet was founded just now, and its Desk may be on its way: as it was before this.
        let is_new = !self.tray.missing(&BTreeSet::from([change.company_id])).is_empty();
        if is_new || change.reload {
            let desktop = self.clone();
            tauri::async_runtime::spawn(async move {
                desktop.read_desk(change.company_id).await;
                quit::follow(&desktop);
                desktop.read_settings().await;
            });
        }
    }

    fn route(&self, note: Incoming) {
        let routed = lock(&self.routes).route(note);
        self.push(routed);
    }

    fn push(&self, notes: Vec<Routed>) {
        for Routed { window, note, params } in notes {
            if self.pages.push(&window, note, params) == Pushed::Behind {
                tracing::warn!(window, "the page fell behind");
                self.resync(&window);
            }
        }
    }

    /// Tells a page to read again what it subscribed to.
    pub fn resync(&self, window: &str) {
        for note in lock(&self.routes).resync(window) {
            self.pages.push(&note.window, note.note, note.params);
        }
    }

    async fn attach(self: Arc<Self>, client: Client, again: Vec<(i64, EventSubscribeParams)>) {
        if let Err(error) = client.call::<DesktopAttach>(Empty {}).await {
            tracing::warn!(%error, "the daemon does not take us for the desktop");
        }
        for (own, params) in again {
            lock(&self.routes).ask();
            let number = client.call::<EventSubscribe>(params).await.map(|made| made.subscription);
            if let Err(error) = &number {
                tracing::info!(%error, "a subscription ends with its connection");
            }
            let notes = lock(&self.routes).resubscribed(own, number.ok());
            self.push(notes);
        }
        self.link.ready(&client);
        tracing::info!("connected to the daemon");
        self.read_desks().await;
        self.read_settings().await;
        // Subscriptions to events go on where they stood; a Desk has moved on meanwhile.
        let behind = lock(&self.routes).resync_desks();
        self.push(behind);
    }

    async fn tell_link(self: Arc<Self>) {
        let mut state = self.link.state();
        while state.changed().await.is_ok() {
            let state: LinkState = state.borrow_and_update().clone();
            match serde_json::to_value(&state) {
                Ok(params) => self.pages.push_all("native.link", &params),
                Err(error) => tracing::error!(%error, "a state does not encode"),
            }
        }
    }

    async fn look_around(self: Arc<Self>) {
        loop {
            // Timers stop while the machine sleeps; this one is short enough for that not to matter.
            let _ = tokio::time::timeout(LOOK_AROUND, self.look_around.notified()).await;
            if *self.link.state().borrow() == LinkState::Ready {
                // Settings last: changes of theirs are told with the Desks'.
                self.read_desks().await;
                self.read_settings().await;
            }
        }
    }

    async fn read_desks(self: &Arc<Self>) {
        let companies = match self.link.call::<CompanyListAll>(Empty {}).await {
            Ok(list) => list.companies,
            Err(error) => return tracing::warn!(%error, "the companies cannot be read"),
        };
        let mut ids: BTreeSet<CompanyId> = companies.iter().map(|company| company.company_id).collect();
        ids.extend(lock(&self.routes).companies());
        for company_id in self.tray.missing(&ids) {
            self.read_desk(company_id).await;
        }
        self.tray.ready();
        quit::follow(self);
    }

    /// Reads a company's Desk, and hears of its changes from then on.
    async fn read_desk(&self, company_id: CompanyId) {
        let _turn = self.reading.lock().await;
        match self.link.call::<DeskSubscribe>(of(company_id)).await {
            Ok(desk) => self.tray.reset(&desk),
            Err(error) => tracing::info!(%error, %company_id, "a Desk cannot be read"),
        }
    }

    async fn read_settings(self: &Arc<Self>) {
        match self.link.call::<SettingsGet>(Empty {}).await {
            Ok(settings) => self.apply(settings),
            Err(error) => tracing::warn!(%error, "the settings cannot be read"),
        }
    }

    fn apply(self: &Arc<Self>, settings: Settings) {
        *lock(&self.settings) = settings.clone();
        self.tray.spoken();
        window::set_theme(self, settings.theme);
        self.shortcut.set(self, &settings.quick_shortcut);
    }

    /// A page's call to the daemon.
    ///
    /// # Errors
    /// What the daemon says, or why it cannot be reached.
    pub async fn call(self: &Arc<Self>, window: &str, method: &str, params: Value) -> Result<Value, Error> {
        let name = contract::methods::canonical(method);
        let result = match name {
            EventSubscribe::NAME => self.subscribe(window, params).await?,
            EventUnsubscribe::NAME => self.unsubscribe(window, params).await?,
            DeskSubscribe::NAME => self.subscribe_desk(window, params).await?,
            _ => self.link.call_raw(name, params).await?,
        };
        let changes = method_info(name).map_or(&[][..], |info| info.changes);
        if changes.contains(&Topic::Company) {
            self.look_around.notify_one();
        }
        if changes.contains(&Topic::Settings)
            && let Ok(settings) = serde_json::from_value(result.clone())
        {
            self.apply(settings);
        }
        Ok(result)
    }

    async fn subscribe(&self, window: &str, params: Value) -> Result<Value, Error> {
        let wanted: EventSubscribeParams = fitting(EventSubscribe::NAME, params)?;
        lock(&self.routes).ask();
        match self.link.call::<EventSubscribe>(wanted.clone()).await {
            Ok(made) => {
                let (own, ended, notes) = lock(&self.routes).subscribed(window, &wanted, made.subscription);
                self.push(notes);
                if let Some(daemons) = ended {
                    self.end(vec![daemons]).await;
                }
                Ok(json!({ "subscription": own }))
            }
            Err(error) => {
                lock(&self.routes).failed();
                Err(error)
            }
        }
    }

    async fn unsubscribe(&self, window: &str, params: Value) -> Result<Value, Error> {
        let own: Subscription = fitting(EventUnsubscribe::NAME, params)?;
        let daemons = lock(&self.routes).unsubscribed(window, own.subscription);
        self.end(daemons.into_iter().collect()).await;
        Ok(json!({}))
    }

    async fn subscribe_desk(&self, window: &str, params: Value) -> Result<Value, Error> {
        let _turn = self.reading.lock().await;
        lock(&self.routes).ask();
        let desk = match self.link.call_raw(DeskSubscribe::NAME, params).await {
            Ok(desk) => desk,
            Err(error) => {
                lock(&self.routes).failed();
                return Err(error);
            }
        };
        let Some(company) = desk.pointer("/company/company_id").and_then(Value::as_i64) else {
            lock(&self.routes).failed();
            return Err(Error::internal("The daemon's Desk names no company."));
        };
        let notes = lock(&self.routes).desk(window, CompanyId(company));
        self.push(notes);
        if let Ok(desk) = serde_json::from_value::<Desk>(desk.clone()) {
            self.tray.reset(&desk);
        }
        Ok(desk)
    }

    async fn end(&self, subscriptions: Vec<i64>) {
        for subscription in subscriptions {
            if let Err(error) = self.link.call::<EventUnsubscribe>(Subscription { subscription }).await {
                tracing::info!(%error, subscription, "a subscription could not be ended");
            }
        }
    }

    /// A window's page is gone, or began anew.
    pub fn forget(self: &Arc<Self>, window: &str) {
        let subscriptions = lock(&self.routes).forget(window);
        if window == window::MAIN {
            self.set_viewing(None);
        }
        if !subscriptions.is_empty() {
            let desktop = self.clone();
            tauri::async_runtime::spawn(async move { desktop.end(subscriptions).await });
        }
    }
}

fn of(company_id: CompanyId) -> CompanyRef {
    CompanyRef { company_id: Some(company_id), ..CompanyRef::default() }
}

fn read<T: DeserializeOwned>(note: &Incoming) -> Option<T> {
    serde_json::from_value(note.params.clone())
        .inspect_err(|error| tracing::error!(%error, note = note.method, "a note does not read"))
        .ok()
}

/// Params of a page's call.
///
/// # Errors
/// They do not fit.
pub fn fitting<T: DeserializeOwned>(method: &str, params: Value) -> Result<T, Error> {
    serde_json::from_value(params).map_err(|error| {
        Error::new(
            contract::ErrorCode::BAD_REQUEST,
            format!("The params of {method} do not fit: {error}."),
            "This is a fault in AICIB's page: reload it, and report this if it comes back.",
        )
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
