//! The answers to the contract's methods. Each function here is a line; what it does is beside it, by topic.

mod company;
mod costs;
mod engines;
mod events;
mod file_diff;
mod follow_ups;
mod jobs;
mod journal;
mod keys;
mod people;
mod permissions;
mod prune;
pub mod questions;
mod sessions;
mod storage;
pub mod system;
mod task_list;

use std::sync::Arc;

use contract::*;

use crate::runs;
use crate::service::{self, Connection, Front};

impl contract::Handlers for Front {
    type Caller = Arc<Connection>;

    async fn initialize(&self, conn: &Arc<Connection>, params: InitializeParams) -> Result<InitializeResult, Error> {
        service::initialize(&self.0, conn, params).await
    }

    async fn ping(&self, _: &Arc<Connection>, _: Empty) -> Result<Pong, Error> {
        Ok(Pong { pid: std::process::id() })
    }

    async fn daemon_status(&self, _: &Arc<Connection>, _: Empty) -> Result<DaemonStatus, Error> {
        system::status(&self.0).await
    }

    async fn daemon_health(&self, _: &Arc<Connection>, _: Empty) -> Result<Health, Error> {
        system::health(&self.0).await
    }

    async fn daemon_reload(&self, _: &Arc<Connection>, _: Empty) -> Result<DaemonStatus, Error> {
        system::reload(&self.0).await
    }

    async fn daemon_log_level(&self, _: &Arc<Connection>, params: LogLevelParams) -> Result<DaemonStatus, Error> {
        system::log_level(&self.0, params).await
    }

    async fn daemon_restart(&self, _: &Arc<Connection>, _: Empty) -> Result<Empty, Error> {
        system::restart(&self.0)
    }

    async fn daemon_stop(&self, _: &Arc<Connection>, _: Empty) -> Result<Empty, Error> {
        system::stop(&self.0)
    }

    async fn company_create(&self, _: &Arc<Connection>, params: CompanyCreateParams) -> Result<Company, Error> {
        company::create(&self.0, params).await
    }

    async fn company_get(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<Company, Error> {
        company::get(&self.0, params).await
    }

    async fn company_list(&self, _: &Arc<Connection>, _: Empty) -> Result<CompanyList, Error> {
        company::list(&self.0).await
    }

    async fn config_get(&self, _: &Arc<Connection>, params: ConfigGetParams) -> Result<ConfigValue, Error> {
        company::config_get(&self.0, params).await
    }

    async fn config_set(&self, _: &Arc<Connection>, params: ConfigSetParams) -> Result<ConfigValue, Error> {
        company::config_set(&self.0, params).await
    }

    async fn config_validate(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<ConfigReport, Error> {
        company::config_validate(&self.0, params).await
    }

    async fn agent_list(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<AgentList, Error> {
        company::agents(&self.0, params).await
    }

    async fn agent_get(&self, _: &Arc<Connection>, params: AgentRef) -> Result<AgentDetail, Error> {
        company::agent(&self.0, params).await
    }

    async fn agent_save(&self, _: &Arc<Connection>, params: AgentSaveParams) -> Result<AgentDetail, Error> {
        company::agent_save(&self.0, params).await
    }

    async fn agent_add(&self, _: &Arc<Connection>, params: AgentAddParams) -> Result<AgentDetail, Error> {
        people::add(&self.0, params).await
    }

    async fn agent_remove(&self, _: &Arc<Connection>, params: AgentRef) -> Result<AgentList, Error> {
        people::remove(&self.0, params).await
    }

    async fn agent_set(&self, _: &Arc<Connection>, params: AgentSetParams) -> Result<AgentDetail, Error> {
        people::set(&self.0, params).await
    }

    async fn agent_preview(&self, _: &Arc<Connection>, params: AgentPreviewParams) -> Result<AgentPreview, Error> {
        people::preview(&self.0, params).await
    }

    async fn session_start(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<Session, Error> {
        sessions::start(&self.0, params).await
    }

    async fn session_stop(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<SessionStopResult, Error> {
        sessions::stop(&self.0, params).await
    }

    async fn session_list(&self, _: &Arc<Connection>, params: SessionListParams) -> Result<SessionPage, Error> {
        sessions::list(&self.0, params).await
    }

    async fn session_resume(&self, _: &Arc<Connection>, params: SessionRef) -> Result<Session, Error> {
        sessions::resume(&self.0, params).await
    }

    async fn desk_get(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<Desk, Error> {
        company::desk(&self.0, params).await
    }

    async fn desk_subscribe(&self, conn: &Arc<Connection>, params: CompanyRef) -> Result<Desk, Error> {
        company::desk_subscribe(&self.0, conn, params).await
    }

    async fn job_submit(&self, _: &Arc<Connection>, params: JobSubmitParams) -> Result<Job, Error> {
        jobs::submit(&self.0, params).await
    }

    async fn job_submit_list(&self, _: &Arc<Connection>, params: JobSubmitListParams) -> Result<JobsStored, Error> {
        task_list::submit(&self.0, params).await
    }

    async fn job_follow_up(&self, _: &Arc<Connection>, params: JobFollowUpParams) -> Result<Job, Error> {
        follow_ups::say(&self.0, params).await
    }

    async fn job_cancel(&self, _: &Arc<Connection>, params: JobRef) -> Result<JobCancelResult, Error> {
        jobs::cancel(&self.0, params).await
    }

    async fn job_restart(&self, _: &Arc<Connection>, params: JobRestartParams) -> Result<Job, Error> {
        jobs::restart(&self.0, params).await
    }

    async fn job_pause(&self, _: &Arc<Connection>, params: JobHoldParams) -> Result<JobHoldResult, Error> {
        runs::hold(&self.0, params.job_id, true).await
    }

    async fn job_resume(&self, _: &Arc<Connection>, params: JobHoldParams) -> Result<JobHoldResult, Error> {
        runs::hold(&self.0, params.job_id, false).await
    }

    async fn job_wait(&self, conn: &Arc<Connection>, params: JobWaitParams) -> Result<JobWaitResult, Error> {
        jobs::wait(&self.0, conn, params).await
    }

    async fn job_prune(&self, _: &Arc<Connection>, params: JobPruneParams) -> Result<JobPruneResult, Error> {
        prune::run(&self.0, params).await
    }

    async fn job_list(&self, _: &Arc<Connection>, params: JobListParams) -> Result<JobPage, Error> {
        Ok(self.0.store.read(move |db| db.jobs(&params)).await?)
    }

    async fn job_get(&self, _: &Arc<Connection>, params: JobRef) -> Result<JobDetail, Error> {
        jobs::get(&self.0, params).await
    }

    async fn job_stats(&self, _: &Arc<Connection>, _: Empty) -> Result<JobStats, Error> {
        Ok(self.0.store.read(|db| db.stats()).await?)
    }

    async fn job_spans(&self, _: &Arc<Connection>, params: JobPageParams) -> Result<SpanPage, Error> {
        Ok(self.0.store.read(move |db| db.spans(&params)).await?)
    }

    async fn job_files(&self, _: &Arc<Connection>, params: JobPageParams) -> Result<FilePage, Error> {
        Ok(self.0.store.read(move |db| db.files(&params)).await?)
    }

    async fn job_file_diff(&self, _: &Arc<Connection>, params: FileDiffParams) -> Result<FileDiff, Error> {
        file_diff::get(&self.0, params).await
    }

    async fn question_list(&self, _: &Arc<Connection>, params: QuestionListParams) -> Result<QuestionPage, Error> {
        questions::list(&self.0, params).await
    }

    async fn question_answer(&self, _: &Arc<Connection>, params: QuestionAnswerParams) -> Result<Question, Error> {
        questions::answer(&self.0, params).await
    }

    async fn job_delete(&self, _: &Arc<Connection>, params: JobDeleteParams) -> Result<JobPruneResult, Error> {
        prune::delete(&self.0, params).await
    }

    async fn job_export(&self, _: &Arc<Connection>, params: JobExportParams) -> Result<JobExportResult, Error> {
        crate::export::run(&self.0, params).await
    }

    async fn notice_list(&self, _: &Arc<Connection>, params: NoticeListParams) -> Result<NoticePage, Error> {
        Ok(self.0.store.read(move |db| db.notices(&params)).await?)
    }

    async fn notice_seen(&self, _: &Arc<Connection>, params: NoticeSeenParams) -> Result<NoticePage, Error> {
        self.0.store.write(move |db| db.notices_seen(params.up_to)).await?;
        self.0.hub.reload_all();
        Ok(self.0.store.read(|db| db.notices(&NoticeListParams::default())).await?)
    }

    async fn storage_get(&self, _: &Arc<Connection>, _: Empty) -> Result<StorageReport, Error> {
        storage::report(&self.0).await
    }

    async fn permission_table(&self, _: &Arc<Connection>, params: CompanyRef) -> Result<PermissionTable, Error> {
        permissions::table(&self.0, params).await
    }

    async fn permission_set(&self, _: &Arc<Connection>, params: PermissionSetParams) -> Result<PermissionTable, Error> {
        permissions::set(&self.0, params).await
    }

    async fn rule_remove(&self, _: &Arc<Connection>, params: RuleRef) -> Result<PermissionTable, Error> {
        permissions::remove(&self.0, params).await
    }

    async fn journal_list(&self, _: &Arc<Connection>, params: JournalListParams) -> Result<JournalPage, Error> {
        journal::list(&self.0, params).await
    }

    async fn cost_report(&self, _: &Arc<Connection>, params: CostReportParams) -> Result<CostReport, Error> {
        costs::report(&self.0, params).await
    }

    async fn event_list(&self, _: &Arc<Connection>, params: EventListParams) -> Result<EventPage, Error> {
        events::list(&self.0, params).await
    }

    async fn event_search(&self, _: &Arc<Connection>, params: EventSearchParams) -> Result<EventHits, Error> {
        Ok(self.0.store.read(move |db| db.search(&params)).await?)
    }

    async fn event_subscribe(
        &self,
        conn: &Arc<Connection>,
        params: EventSubscribeParams,
    ) -> Result<Subscription, Error> {
        events::subscribe(&self.0, conn, params).await
    }

    async fn event_unsubscribe(&self, conn: &Arc<Connection>, params: Subscription) -> Result<Empty, Error> {
        conn.state.unsubscribe(params.subscription);
        Ok(Empty {})
    }

    async fn key_set(&self, _: &Arc<Connection>, params: KeySetParams) -> Result<Key, Error> {
        keys::set(&self.0, params).await
    }

    async fn key_list(&self, _: &Arc<Connection>, _: Empty) -> Result<KeyList, Error> {
        keys::list(&self.0).await
    }

    async fn key_remove(&self, _: &Arc<Connection>, params: KeyRef) -> Result<Empty, Error> {
        keys::remove(&self.0, params).await
    }

    async fn key_unlock(&self, _: &Arc<Connection>, params: KeyUnlockParams) -> Result<KeyList, Error> {
        keys::unlock(&self.0, params).await
    }

    async fn settings_get(&self, _: &Arc<Connection>, _: Empty) -> Result<Settings, Error> {
        self.0.settings().await
    }

    async fn settings_set(&self, _: &Arc<Connection>, params: Settings) -> Result<Settings, Error> {
        system::settings_set(&self.0, params).await
    }

    async fn engine_list(&self, _: &Arc<Connection>, _: Empty) -> Result<EngineList, Error> {
        engines::list(&self.0).await
    }

    async fn engine_try(&self, _: &Arc<Connection>, params: EngineTryParams) -> Result<EngineTrial, Error> {
        engines::try_one(&self.0, params).await
    }

    async fn job_raw(&self, _: &Arc<Connection>, params: JobRawParams) -> Result<RawPage, Error> {
        runs::raw(&self.0, params).await
    }

    async fn doctor_run(&self, _: &Arc<Connection>, _: Empty) -> Result<DoctorReport, Error> {
        Ok(crate::doctor::run(&self.0).await)
    }

    async fn desktop_attach(&self, conn: &Arc<Connection>, _: Empty) -> Result<Empty, Error> {
        self.0.desktop.attach(conn);
        Ok(Empty {})
    }

    async fn desktop_show(&self, _: &Arc<Connection>, params: Show) -> Result<ShowResult, Error> {
        Ok(ShowResult { shown: self.0.desktop.send::<contract::methods::ShowRequested>(&params) })
    }

    async fn notice_report(&self, _: &Arc<Connection>, params: NoticeReportParams) -> Result<Empty, Error> {
        let NoticeReportParams { notice_id, delivery, detail } = params;
        self.0.desktop.reported(notice_id);
        self.0.store.write(move |db| db.notice_report(notice_id, delivery, &detail, Time::now())).await?;
        Ok(Empty {})
    }

    async fn run_lease(&self, conn: &Arc<Connection>, params: LeaseParams) -> Result<Lease, Error> {
        jobs::lease(&self.0, conn.state.run_id()?, params).await
    }

    async fn run_go_on(&self, conn: &Arc<Connection>, params: GoOnParams) -> Result<GoOn, Error> {
        jobs::go_on(&self.0, conn.state.run_id()?, params).await
    }

    async fn run_lease_return(&self, conn: &Arc<Connection>, params: LeaseReturn) -> Result<Empty, Error> {
        let run_id = conn.state.run_id()?;
        self.0.store.write(move |db| db.lease_return(run_id, params.lease_id)).await?;
        Ok(Empty {})
    }
}
