//! Writes `ui/src/lib/contract/types.ts` and `docs/contract.schema.json` from the table, and fails where the files
//! in the tree differ. `make contract` (which sets `UPDATE_CONTRACT`) writes them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use ts_rs::{Config, TS};

use crate::methods::{self, METHODS};
use crate::*;

macro_rules! declare {
    ($cfg:expr, $($ty:ty),* $(,)?) => { vec![$((<$ty as TS>::name($cfg), <$ty as TS>::docs(), <$ty as TS>::decl($cfg))),*] };
}

fn types_ts() -> String {
    let cfg = &Config::new().with_large_int("number");
    let mut declared = declare!(
        cfg,
        JobId,
        SessionId,
        RunId,
        CompanyId,
        NoticeId,
        LeaseId,
        Seq,
        Time,
        Money,
        CostBasis,
        ErrorKind,
        ErrorCode,
        Error,
        JobState,
        RunState,
        AgentState,
        Entry,
        Event,
        EventBody,
        WaitReason,
        NoticeLevel,
        Outcome,
        FileChange,
        Company,
        EngineKind,
        EngineChoice,
        Pays,
        Login,
        Support,
        EngineInfo,
        Confinement,
        Confined,
        Sandbox,
        EngineTrial,
        Notify,
        NoticeKind,
        NoticeRow,
        JobSort,
        JobDeleteParams,
        ExportFormat,
        JobExportParams,
        JobExportResult,
        FileDiffParams,
        FileDiffState,
        FileDiff,
        NoticeListParams,
        NoticePage,
        NoticeSeenParams,
        StorageReport,
        EngineList,
        EngineTryParams,
        Act,
        Verdict,
        Scope,
        RuleId,
        Rule,
        Ground,
        Permission,
        AgentPermissions,
        Approval,
        PermissionTable,
        PermissionSetParams,
        RuleRef,
        JobRawParams,
        RawPage,
        RunRules,
        Session,
        Origin,
        Job,
        Progress,
        StopCounts,
        Stages,
        Activity,
        JobDetail,
        Tokens,
        AgentCost,
        Run,
        Span,
        SpanKind,
        ChangedFile,
        Agent,
        Spend,
        DaySpend,
        Desk,
        DeskChange,
        Notice,
        Delivery,
        KeyStorage,
        Key,
        Check,
        CheckStatus,
        Settings,
        Theme,
        LogLevel,
        LoggedError,
        WorkerHealth,
        Health,
        LogLevelParams,
        DaemonStatus,
        Show,
        Empty,
        InitializeParams,
        InitializeResult,
        Credential,
        Pong,
        CompanyCreateParams,
        CompanyRef,
        CompanyList,
        ConfigGetParams,
        ConfigValue,
        ConfigSetParams,
        ConfigReport,
        ConfigFault,
        AgentRef,
        AgentDetail,
        AgentSaveParams,
        AgentAddParams,
        AgentSetParams,
        AgentPreviewParams,
        AgentPreview,
        AgentList,
        SessionStopResult,
        SessionListParams,
        SessionPage,
        SessionRef,
        JobSubmitParams,
        JobRef,
        JobSubmitListParams,
        JobsStored,
        JobFollowUpParams,
        QuestionId,
        EntryId,
        Question,
        Ask,
        QuestionListParams,
        QuestionPage,
        QuestionAnswerParams,
        JournalEntry,
        JournalListParams,
        JournalPage,
        CostBy,
        CostRow,
        LimitUse,
        Band,
        CostReportParams,
        CostReport,
        RunAnswer,
        RunFollowUp,
        JobCancelResult,
        JobRestartParams,
        JobHoldParams,
        JobHoldResult,
        JobWaitParams,
        JobWaitResult,
        JobPruneParams,
        JobPruneResult,
        JobListParams,
        JobPage,
        JobStats,
        JobPageParams,
        SpanPage,
        FilePage,
        EventListParams,
        EventPage,
        EventSearchParams,
        EventHits,
        EventHit,
        EventSubscribeParams,
        Subscription,
        KeySetParams,
        KeyRef,
        KeyUnlockParams,
        KeyList,
        DoctorReport,
        NoticeReportParams,
        ShowResult,
        LeaseParams,
        GoOnParams,
        GoOn,
        Lease,
        LeaseReturn,
        EventsAdded,
        Delta,
        Resync,
        RunGrew,
        RunCancel,
        RunHold,
    );
    declared.sort();
    let mut out = String::from("// Generated from crates/contract by `make contract`. Do not edit.\n\n");
    for (_, docs, decl) in &declared {
        let docs = docs.clone().unwrap_or_default();
        let _ = writeln!(out, "{docs}export {decl}\n");
    }
    out.push_str("/** Every method: what goes in, what comes back. */\nexport interface Methods {\n");
    for (name, params, result) in methods::typescript(cfg) {
        let _ = writeln!(out, "  {name:?}: {{ params: {params}; result: {result} }};");
    }
    out.push_str("}\n\n/** Every message that expects no answer. */\nexport interface Notes {\n");
    for (name, params) in methods::typescript_notes(cfg) {
        let _ = writeln!(out, "  {name:?}: {params};");
    }
    out.push_str("}\n\nexport type Topic = \"company\" | \"team\" | \"jobs\" | \"keys\" | \"settings\";\n\n");
    out.push_str("/** What a method changes, and so what a screen reads again after it. */\n");
    out.push_str("export const CHANGES: { readonly [M in keyof Methods]: readonly Topic[] } = {\n");
    for info in METHODS {
        let topics: Vec<String> =
            info.changes.iter().map(|topic| format!("{:?}", format!("{topic:?}").to_lowercase())).collect();
        let _ = writeln!(out, "  {:?}: [{}],", info.name, topics.join(", "));
    }
    out.push_str("};\n");
    out.push_str("\n/** Every code that an error can have. */\nexport const ERROR_CODES = [\n");
    for (code, _, _) in crate::ErrorCode::ALL {
        let _ = writeln!(out, "  {code:?},");
    }
    out.push_str("] as const;\n");
    out
}

fn schema_json() -> String {
    let mut generator = schemars::SchemaGenerator::default();
    let methods: Vec<Value> = methods::schemas(&mut generator)
        .into_iter()
        .zip(METHODS)
        .map(|((name, params, result), info)| {
            json!({"method": name, "doc": info.doc.trim(), "access": format!("{:?}", info.access).to_lowercase(),
                   "params": params, "result": result})
        })
        .collect();
    let notes: Vec<Value> = methods::note_schemas(&mut generator)
        .into_iter()
        .map(|(name, params)| json!({"note": name, "params": params}))
        .collect();
    let mut schema =
        json!({"protocol": PROTOCOL, "methods": methods, "notes": notes, "$defs": generator.definitions()});
    // Which crates are built along decides whether objects keep the order in which they were made.
    schema.sort_all_objects();
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

fn check(path: &str, fresh: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, fresh).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == fresh, "{path} is not what the table says: run `make contract`");
}

#[test]
fn the_typescript_types_are_the_tables() {
    check("ui/src/lib/contract/types.ts", &types_ts());
}

#[test]
fn the_schema_is_the_tables() {
    check("docs/contract.schema.json", &schema_json());
}

#[test]
fn method_names_are_unique() {
    let mut names: Vec<_> = METHODS.iter().map(|info| info.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), METHODS.len());
}
