// Generated from crates/contract by `make contract`. Do not edit.

/**
 * A kind of act, as far as it matters who may do it.
 */
export type Act = "read" | "write" | "write_elsewhere" | "command" | "network" | "publish" | "spend";

/**
 * What an agent is doing right now.
 */
export type Activity = { 
/**
 * Its role.
 */
agent: string, 
/**
 * What, in a few words ("is thinking", "is writing docs/about.md").
 */
text: string, };

/**
 * An agent of a company.
 */
export type Agent = { 
/**
 * Its role, its name in files and events (`backend-engineer`).
 */
role: string, 
/**
 * Its name on screen ("Backend Engineer").
 */
name: string, 
/**
 * Its department.
 */
department: string, 
/**
 * The role it answers to; none for the CEO.
 */
reports_to?: string, 
/**
 * Its model, as the files name it (`opus`).
 */
model: string, 
/**
 * Its engine, as the files name it; empty where it is its company's.
 */
engine: string, 
/**
 * Whether it is on the team.
 */
enabled: boolean, 
/**
 * What it is doing.
 */
state: AgentState, 
/**
 * The task at hand, in a line.
 */
task: string, 
/**
 * The job at hand.
 */
job_id?: JobId, 
/**
 * What it is there for, in a line.
 */
title: string, 
/**
 * Its persona's preset (`technical`).
 */
persona: string, 
/**
 * Its skills, by name.
 */
skills: Array<string>, 
/**
 * What it may do by itself (`standard`).
 */
autonomy: string, 
/**
 * What its calls cost today.
 */
today_usd: Money, 
/**
 * What its calls may cost in a day; zero means no limit of its own.
 */
limit_usd: Money, 
/**
 * Its file, absolute.
 */
file: string, 
/**
 * What is wrong with its file, where it does not hold.
 */
problem?: Error, };

/**
 * A new agent.
 */
export type AgentAddParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * Its role: lower-case letters, digits and hyphens.
 */
role: string, 
/**
 * Its file's text; one that is made from the rest where none is given.
 */
text?: string, 
/**
 * Its name on screen.
 */
name?: string, 
/**
 * The role it answers to; the CEO where none is named.
 */
reports_to?: string, };

/**
 * What an agent's calls to one model cost in a job.
 */
export type AgentCost = { 
/**
 * Its role.
 */
agent: string, 
/**
 * The model's id.
 */
model: string, 
/**
 * Model calls.
 */
calls: number, 
/**
 * Tokens.
 */
tokens: Tokens, 
/**
 * The cost.
 */
cost_usd: Money, };

/**
 * An agent with its file's text.
 */
export type AgentDetail = { 
/**
 * The row.
 */
agent: Agent, 
/**
 * The file's text.
 */
text: string, };

/**
 * A company's agents.
 */
export type AgentList = { 
/**
 * CEO first; at most 100.
 */
agents: Array<Agent>, };

/**
 * What an agent may do.
 */
export type AgentPermissions = { 
/**
 * Its role.
 */
role: string, 
/**
 * Its name on screen.
 */
name: string, 
/**
 * Its level of autonomy (`standard`).
 */
autonomy: string, 
/**
 * One for each of [`Act::ALL`], in that order.
 */
permissions: Array<Permission>, };

/**
 * What an agent would be told.
 */
export type AgentPreview = { 
/**
 * The system prompt of its next call.
 */
prompt: string, 
/**
 * What is odd about the file, and harms nothing.
 */
warnings: Array<string>, };

/**
 * See what an agent would be told.
 */
export type AgentPreviewParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The role.
 */
role: string, 
/**
 * Its file's text as it would be; as it is where none is given.
 */
text?: string, };

/**
 * An agent of a company.
 */
export type AgentRef = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The role.
 */
role: string, };

/**
 * An agent's file, written anew.
 */
export type AgentSaveParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The role.
 */
role: string, 
/**
 * The file's text; refused where its frontmatter does not hold.
 */
text: string, };

/**
 * Changes to an agent, written to its company's config. What is not given stays as it is.
 */
export type AgentSetParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The role.
 */
role: string, 
/**
 * Whether it is on the team.
 */
enabled?: boolean, 
/**
 * Its model.
 */
model?: string, 
/**
 * Its engine; an empty text for its company's.
 */
engine?: string, 
/**
 * Its name on screen.
 */
name?: string, 
/**
 * Its persona's preset.
 */
persona?: string, 
/**
 * Its skills, all of them.
 */
skills?: Array<string>, 
/**
 * What it may do by itself.
 */
autonomy?: string, 
/**
 * What its calls may cost in a day; zero for no limit of its own.
 */
limit_usd?: Money, };

/**
 * What an agent is doing.
 */
export type AgentState = "working" | "idle" | "error" | "stopped";

/**
 * What is asked before an act: all that one has to see to decide.
 */
export type Approval = { 
/**
 * What kind of act it is.
 */
act: Act, 
/**
 * The tool (`Bash`).
 */
tool: string, 
/**
 * What would happen, in full: the command, the path, the address. Made visible where it holds characters that
 * are not ([`crate::visible`]). Hostile text.
 */
action: string, 
/**
 * What "always" would be about, exactly ([`Rule::subject`]); none where there is no such thing.
 */
subject?: string, 
/**
 * What would change in a file, as a unified diff; cut where it is long, and says so.
 */
diff?: string, 
/**
 * A fingerprint of tool and input: after a crash an answer holds for the identical call alone.
 */
digest: string, };

/**
 * What kind of question an agent has for the founder.
 */
export type Ask = "decision" | "limit" | "loop" | "approval";

/**
 * How much of a limit is used.
 */
export type Band = "green" | "yellow" | "red";

/**
 * A file that a job changed, all its changes together.
 */
export type ChangedFile = { 
/**
 * Who changed it last (role).
 */
agent: string, 
/**
 * When.
 */
at: Time, 
/**
 * Its path inside the company folder, with `/`.
 */
path: string, 
/**
 * Whether the file is new.
 */
created: boolean, 
/**
 * Lines added.
 */
added: number, 
/**
 * Lines removed.
 */
removed: number, };

/**
 * One thing the doctor looked at.
 */
export type Check = { 
/**
 * Its name ("Keychain").
 */
name: string, 
/**
 * How it is.
 */
status: CheckStatus, 
/**
 * What was found, in a sentence.
 */
detail: string, 
/**
 * What to do, in a sentence; empty where there is nothing.
 */
fix: string, };

/**
 * How a thing that the doctor looked at is.
 */
export type CheckStatus = "ok" | "warning" | "fault";

/**
 * A company folder that the daemon knows.
 */
export type Company = { 
/**
 * Its id.
 */
company_id: CompanyId, 
/**
 * Its name, from the config.
 */
name: string, 
/**
 * Its folder, absolute.
 */
dir: string, 
/**
 * The engine as the config names it (`auto`, `anthropic-api`, `acp:gemini`, or one we do not have).
 */
engine: string, 
/**
 * The engine that stands in where that one is out of quota or down, as the config names it; empty for none.
 */
fallback: string, 
/**
 * The model of engines whose models are not Claude's, as the config names it; empty for the engine's own choice.
 */
model: string, 
/**
 * The engine that its next brief would run on, or why there is none.
 */
engine_now: EngineChoice, 
/**
 * Whether agents of real models may run commands: `tools.commands` in the config, else where they are confined.
 */
commands_allowed: boolean, 
/**
 * What is wrong with the config, where it does not hold. The company can be looked at, not briefed.
 */
problem?: Error, };

/**
 * Found a company in a folder.
 */
export type CompanyCreateParams = { 
/**
 * Its name.
 */
name: string, 
/**
 * The folder, absolute; made where it is missing.
 */
dir: string, 
/**
 * `full-c-suite`, `lean-startup` or `minimal`.
 */
structure?: string, 
/**
 * `professional`, `startup`, `technical` or `creative`.
 */
persona?: string, 
/**
 * `blank` (also where none is given), `saas-startup`, `marketing-agency`, `e-commerce` or `consulting-firm`.
 */
template?: string, 
/**
 * `auto`, or an engine's name (`claude-code`, `acp:gemini`).
 */
engine?: string, };

/**
 * A company folder that the daemon knows.
 */
export type CompanyId = number;

/**
 * The companies that the daemon knows, the one used last first.
 */
export type CompanyList = { 
/**
 * At most 100.
 */
companies: Array<Company>, };

/**
 * A company, by its folder or one below it, or by its id. With neither: the one used last.
 */
export type CompanyRef = { 
/**
 * The folder, or one below it; absolute.
 */
dir?: string, 
/**
 * The id.
 */
company_id?: CompanyId, };

/**
 * A fault in a config.
 */
export type ConfigFault = { 
/**
 * The line, from 1, where it is known.
 */
line?: number, 
/**
 * The key with dots; empty where the file does not parse.
 */
key: string, 
/**
 * What was expected, in a sentence.
 */
message: string, };

/**
 * Read a company's config.
 */
export type ConfigGetParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * A key with dots (`settings.cost_limit_daily`); none for everything.
 */
key?: string, };

/**
 * What is wrong with a config.
 */
export type ConfigReport = { 
/**
 * The file, absolute.
 */
file: string, 
/**
 * Its faults; none when it holds.
 */
faults: Array<ConfigFault>, 
/**
 * What is odd, and harms nothing.
 */
warnings: Array<string>, };

/**
 * Change a value of a company's config. The rest of the file stays as it is.
 */
export type ConfigSetParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * A key with dots.
 */
key: string, 
/**
 * The value, as it would stand in YAML.
 */
value: string, };

/**
 * A value of a config.
 */
export type ConfigValue = { 
/**
 * The config's file, absolute.
 */
file: string, 
/**
 * The value, defaults merged in.
 */
value: unknown, 
/**
 * What whoever has just set it should know of it: that nothing reads it yet, say.
 */
warnings: Array<string>, };

/**
 * How far a process is confined.
 */
export type Confined = "full" | "partly" | "no";

/**
 * How far agents and their commands can be confined on this machine.
 */
export type Confinement = { 
/**
 * How far.
 */
level: Confined, 
/**
 * How it stands, in a sentence.
 */
detail: string, 
/**
 * What to do, in a sentence; empty where there is nothing.
 */
fix: string, };

/**
 * Where a cost figure comes from.
 */
export type CostBasis = "reported" | "estimated" | "free" | "unknown";

/**
 * By what costs are added up.
 */
export type CostBy = "agent" | "model" | "day" | "job" | "session";

/**
 * What a company spent.
 */
export type CostReport = { 
/**
 * From this local day on.
 */
since: string, 
/**
 * Up to this local day, included.
 */
until: string, 
/**
 * Dearest first; days oldest first. At most 500.
 */
rows: Array<CostRow>, 
/**
 * Whether there are more rows.
 */
more: boolean, 
/**
 * All of it together.
 */
total_usd: Money, 
/**
 * What this month will cost if it goes on as the last seven days did; none where nothing was spent in them.
 */
forecast_usd?: Money, 
/**
 * The limits there are.
 */
limits: Array<LimitUse>, 
/**
 * Of which day the prices are that estimates are made with.
 */
prices_of: string, 
/**
 * Whether that is so long ago that they may have changed.
 */
prices_stale: boolean, };

/**
 * What a company spent, by one thing.
 */
export type CostReportParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * By what.
 */
by: CostBy, 
/**
 * From this local day on (`2026-11-01`); the first of this month where none is given.
 */
since?: string, 
/**
 * Up to this local day, included.
 */
until?: string, 
/**
 * Of one session.
 */
session_id?: SessionId, };

/**
 * A row of a report on costs.
 */
export type CostRow = { 
/**
 * What it is of: a role, a model's id, a day, a job's or a session's number.
 */
key: string, 
/**
 * How it is shown ("CTO", "#12 Write the imprint").
 */
label: string, 
/**
 * Model calls.
 */
calls: number, 
/**
 * Tokens.
 */
tokens: Tokens, 
/**
 * What they cost.
 */
cost_usd: Money, 
/**
 * Where the figure comes from: the least certain of its parts.
 */
basis: CostBasis, };

/**
 * What a caller shows to be let in.
 */
export type Credential = { "founder": string } | { "run": { 
/**
 * The run.
 */
run_id: RunId, 
/**
 * Its token.
 */
token: string, } };

/**
 * What the daemon says of itself.
 */
export type DaemonStatus = { 
/**
 * Its process.
 */
pid: number, 
/**
 * Its version.
 */
version: string, 
/**
 * When it started.
 */
started_at: Time, 
/**
 * The home it holds.
 */
home: string, 
/**
 * Jobs by state name; states without a job are left out.
 */
jobs: { [key in string]: number }, 
/**
 * The last event stored.
 */
seq: Seq, 
/**
 * Size of the database on disk, in bytes.
 */
database_bytes: number, 
/**
 * Whether a desktop app is attached.
 */
desktop: boolean, 
/**
 * Whether all jobs are on hold.
 */
held: boolean, 
/**
 * How much it says in its log.
 */
log_level: LogLevel, };

/**
 * Spending on a day.
 */
export type DaySpend = { 
/**
 * The day (`2026-11-20`).
 */
day: string, 
/**
 * What was spent.
 */
cost_usd: Money, };

/**
 * What became of a notice.
 */
export type Delivery = "shown" | "seen" | "off" | "quiet" | "grouped" | "failed" | "opened";

/**
 * The tail of an unfinished message grew. May be lost.
 */
export type Delta = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * Who speaks (role).
 */
agent: string, 
/**
 * The delegation in which it speaks.
 */
parent?: string, 
/**
 * What was added.
 */
text: string, };

/**
 * A company at a glance: what the Desk, the tray and `aicib status` show.
 */
export type Desk = { 
/**
 * The state of things as of this event.
 */
seq: Seq, 
/**
 * The company.
 */
company: Company, 
/**
 * The open session.
 */
session?: Session, 
/**
 * Whether all jobs are on hold.
 */
held: boolean, 
/**
 * Questions that wait for the founder, oldest first; at most 20.
 */
questions: Array<Question>, 
/**
 * Jobs that have not ended, oldest first; at most 100.
 */
live: Array<Job>, 
/**
 * Jobs that have not ended, all of them.
 */
live_total: number, 
/**
 * Jobs that ended today, newest first; at most 20.
 */
finished: Array<Job>, 
/**
 * The team, CEO first; at most 100.
 */
team: Array<Agent>, 
/**
 * The money.
 */
spend: Spend, };

/**
 * What changed on a Desk after `seq` of the last one. Rows replace those of the same id.
 */
export type DeskChange = { 
/**
 * The state of things is now as of this event.
 */
seq: Seq, 
/**
 * The company that changed.
 */
company_id: CompanyId, 
/**
 * Jobs that changed.
 */
jobs: Array<Job>, 
/**
 * Agents that changed.
 */
team: Array<Agent>, 
/**
 * The open questions, where they changed: all of them, oldest first; at most 20.
 */
questions?: Array<Question>, 
/**
 * The money, where it changed.
 */
spend?: Spend, 
/**
 * The whole Desk is to be read again (session, company or settings changed).
 */
reload: boolean, };

/**
 * What the doctor found.
 */
export type DoctorReport = { 
/**
 * What it looked at.
 */
checks: Array<Check>, };

/**
 * Nothing.
 */
export type Empty = Record<symbol, never>;

/**
 * The engine a brief would run on.
 */
export type EngineChoice = { 
/**
 * The engine; none where the company cannot be briefed as it is.
 */
kind?: EngineKind, 
/**
 * Which of the agents that speak ACP (`gemini`); empty for any other engine.
 */
agent: string, 
/**
 * One line for the screen ("Anthropic API · key in keychain", "Practice: no model, nothing is charged").
 */
label: string, 
/**
 * Whether it stands in for the company's own, which is out of quota or down.
 */
is_fallback: boolean, 
/**
 * Why there is none, and what to do.
 */
problem?: Error, };

/**
 * An engine on this machine.
 */
export type EngineInfo = { 
/**
 * Its name in configs (`claude-code`, `acp:gemini`).
 */
engine: string, 
/**
 * Which engine it is.
 */
kind: EngineKind, 
/**
 * Its name on screen ("Gemini CLI").
 */
label: string, 
/**
 * The program, absolute, where it is one and was found.
 */
program?: string, 
/**
 * Its version, as it says.
 */
version?: string, 
/**
 * What we know of that version; none where there is none.
 */
support?: Support, 
/**
 * Whether it is logged in by itself.
 */
login: Login, 
/**
 * Whether a key is stored that it could use.
 */
key: boolean, 
/**
 * How its calls are to be paid for.
 */
pays: Pays, 
/**
 * Whether a brief could run on it now.
 */
ready: boolean, 
/**
 * How it stands, in a sentence.
 */
detail: string, 
/**
 * What to do, in a sentence; empty where there is nothing.
 */
fix: string, };

/**
 * The engines there are.
 */
export type EngineKind = "anthropic-api" | "openai-api" | "claude-code" | "codex" | "acp" | "practice";

/**
 * The engines of this machine.
 */
export type EngineList = { 
/**
 * Every engine, the ones that are ready first.
 */
engines: Array<EngineInfo>, 
/**
 * How far agents' programs and commands can be confined.
 */
confinement: Confinement, };

/**
 * What came of trying an engine.
 */
export type EngineTrial = { 
/**
 * Whether it answered.
 */
ok: boolean, 
/**
 * What it answered, cut. Hostile text.
 */
text: string, 
/**
 * The model that answered.
 */
model: string, 
/**
 * What that cost.
 */
cost_usd: Money, 
/**
 * Where the figure comes from.
 */
basis: CostBasis, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, 
/**
 * Why it did not.
 */
error?: Error, };

/**
 * Try an engine: one short question, at a cent at most.
 */
export type EngineTryParams = { 
/**
 * Which (`claude-code`, `acp:gemini`).
 */
engine: string, 
/**
 * The model; the cheapest that is known where none is named.
 */
model?: string, };

/**
 * A line of a spool: an event before it has a place among all events.
 */
export type Entry = { 
/**
 * When it happened.
 */
at: Time, 
/**
 * The agent's role (`ceo`); `system` for what no agent did.
 */
agent: string, 
/**
 * The delegation inside which it happened: the `span` of its `delegation_started`. None at the CEO's level.
 */
parent?: string, } & ({ "kind": "message", 
/**
 * What it said.
 */
text: string, } | { "kind": "thinking", 
/**
 * The reasoning.
 */
text: string, } | { "kind": "tool_started", 
/**
 * The call, unique in its run.
 */
call: string, 
/**
 * The tool's name (`Write`).
 */
tool: string, 
/**
 * What it is about, in a few words (`docs/about.md`).
 */
subject: string, 
/**
 * The input as the model gave it, cut where it is long.
 */
input: unknown, } | { "kind": "tool_finished", 
/**
 * The call that ended.
 */
call: string, 
/**
 * The tool's name.
 */
tool: string, 
/**
 * Whether it did what it should.
 */
ok: boolean, 
/**
 * How it went, in a few words (`+64 lines`, `exit 0`).
 */
summary: string, 
/**
 * What the model was given, cut to 8 KB.
 */
output: string, 
/**
 * The file it changed.
 */
change?: FileChange, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, } | { "kind": "delegation_started", 
/**
 * The delegation, unique in its run: what events inside it name as `parent`.
 */
span: string, 
/**
 * Who is to do it (role).
 */
to: string, 
/**
 * What is to be done.
 */
task: string, } | { "kind": "delegation_finished", 
/**
 * The delegation that ended.
 */
span: string, 
/**
 * Who did it (role).
 */
to: string, 
/**
 * Whether it was done.
 */
ok: boolean, 
/**
 * What came back, in a line.
 */
summary: string, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, 
/**
 * What it cost, with all that it delegated in turn.
 */
cost_usd: Money, } | { "kind": "usage", 
/**
 * The model that answered.
 */
model: string, 
/**
 * Input tokens, cached ones left out.
 */
input_tokens: number, 
/**
 * Output tokens.
 */
output_tokens: number, 
/**
 * Input tokens read from the provider's cache.
 */
cache_read_tokens: number, 
/**
 * Input tokens written to it.
 */
cache_write_tokens: number, 
/**
 * The price of the call.
 */
cost_usd: Money, 
/**
 * Where the price comes from.
 */
basis: CostBasis, 
/**
 * When the call began. The call belongs to that day.
 */
started_at: Time, 
/**
 * The lease that this settles.
 */
lease_id?: LeaseId, } | { "kind": "progress", 
/**
 * Steps done.
 */
done: number, 
/**
 * Steps known.
 */
total: number, 
/**
 * The step at hand.
 */
note: string, 
/**
 * The stages, where the work has any.
 */
stages?: Stages, } | { "kind": "waiting", 
/**
 * What it waits for, in a few words.
 */
reason: WaitReason, 
/**
 * The whole story in a sentence.
 */
detail: string, 
/**
 * When it will try again, where that is known.
 */
until?: Time, 
/**
 * Whether the wait has ended.
 */
over: boolean, } | { "kind": "notice", 
/**
 * How much it matters.
 */
level: NoticeLevel, 
/**
 * What it is.
 */
text: string, } | { "kind": "error", 
/**
 * What, and what to do.
 */
error: Error, } | { "kind": "run_exited", 
/**
 * How the run ended.
 */
outcome: Outcome, 
/**
 * The CEO's answer in full, where there is one.
 */
result?: string, 
/**
 * Why it failed.
 */
error?: Error, 
/**
 * Model calls of the CEO.
 */
turns: number, 
/**
 * Whether a tool that changes anything was called: a failed run that had no effect may be tried again.
 */
effects: boolean, 
/**
 * Processes under the worker that were ended.
 */
ended: number, 
/**
 * Of those, by force.
 */
forced: number, 
/**
 * Processes under the worker that are left. 0, or it says so.
 */
left: number, } | { "kind": "job_changed", 
/**
 * The state it has now.
 */
state: JobState, 
/**
 * Why, in a sentence; empty where the state says it all.
 */
reason: string, 
/**
 * When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
 */
until?: Time, 
/**
 * What became of its processes, once it ended.
 */
stopped?: StopCounts, } | { "kind": "asked", 
/**
 * The question, unique in its run.
 */
key: string, 
/**
 * What kind it is.
 */
ask: Ask, 
/**
 * The question, in a sentence or a few. Hostile text.
 */
text: string, 
/**
 * What one has to know to answer it: a command in full, a limit and what is spent of it.
 */
detail: string, 
/**
 * The answers to choose from; empty where any text is one.
 */
options: Array<string>, 
/**
 * The act that it is about, where it asks for leave to act.
 */
approval?: Approval, } | { "kind": "answered", 
/**
 * The question.
 */
question_id: QuestionId, 
/**
 * Its key.
 */
key: string, 
/**
 * The run that asked; by a name of its own on the wire, where the event's own `run_id` stands beside it.
 */
asked_in: RunId, 
/**
 * The answer.
 */
answer: string, 
/**
 * From which door it came.
 */
by: Origin, } | { "kind": "follow_up", 
/**
 * What.
 */
text: string, } | { "kind": "follow_up_taken", 
/**
 * The `follow_up` events that it was told, by their place.
 */
seqs: Array<Seq>, } | { "kind": "prompt", 
/**
 * The model.
 */
model: string, 
/**
 * The system prompt.
 */
system: string, 
/**
 * The first message.
 */
message: string, 
/**
 * The tools that it has.
 */
tools: Array<string>, } | { "kind": "journal", 
/**
 * A few sentences.
 */
text: string, 
/**
 * What writing them cost.
 */
cost_usd: Money, } | { "kind": "engine_started", 
/**
 * Which engine.
 */
engine: EngineKind, 
/**
 * Which of the agents that speak ACP; empty for any other engine.
 */
engine_agent: string, 
/**
 * Its own name for the conversation, where it has one: what it is taken up by.
 */
conversation?: string, 
/**
 * The program's version, as it says; empty where it does not.
 */
version: string, 
/**
 * How far it is confined.
 */
confined: Confined, } | { "kind": "files_found", 
/**
 * The files.
 */
changes: Array<FileChange>, } | { "kind": "held", 
/**
 * Whether it is on hold now.
 */
held: boolean, 
/**
 * Whether all jobs are, and not this one alone.
 */
all: boolean, });

/**
 * An entry of a company's journal.
 */
export type EntryId = number;

/**
 * What a client is told when something did not work.
 */
export type Error = { 
/**
 * The error's stable name.
 */
code: ErrorCode, 
/**
 * Whose move it is.
 */
kind: ErrorKind, 
/**
 * What happened, to what. One sentence.
 */
message: string, 
/**
 * What to do about it. One sentence, or empty where there is nothing to do.
 */
fix: string, 
/**
 * Whether the same call may work later.
 */
retryable: boolean, 
/**
 * Facts that a program may act on (`job_id`, `line`, …).
 */
data?: unknown, };

/**
 * A name for an error, stable over versions (`job.not_found`). Only errors that somebody acts on have one of
 * their own.
 */
export type ErrorCode = string;

/**
 * Whose move it is.
 */
export type ErrorKind = "user" | "config" | "conflict" | "provider" | "internal";

/**
 * An event as it is stored and sent to clients.
 */
export type Event = { 
/**
 * Its place among all events.
 */
seq: Seq, 
/**
 * The job it belongs to.
 */
job_id: JobId, 
/**
 * The run it came from; none for what the daemon itself has to say.
 */
run_id?: RunId, 
/**
 * When it happened.
 */
at: Time, 
/**
 * The agent's role (`ceo`); `system` for what no agent did.
 */
agent: string, 
/**
 * The delegation inside which it happened: the `span` of its `delegation_started`. None at the CEO's level.
 */
parent?: string, } & ({ "kind": "message", 
/**
 * What it said.
 */
text: string, } | { "kind": "thinking", 
/**
 * The reasoning.
 */
text: string, } | { "kind": "tool_started", 
/**
 * The call, unique in its run.
 */
call: string, 
/**
 * The tool's name (`Write`).
 */
tool: string, 
/**
 * What it is about, in a few words (`docs/about.md`).
 */
subject: string, 
/**
 * The input as the model gave it, cut where it is long.
 */
input: unknown, } | { "kind": "tool_finished", 
/**
 * The call that ended.
 */
call: string, 
/**
 * The tool's name.
 */
tool: string, 
/**
 * Whether it did what it should.
 */
ok: boolean, 
/**
 * How it went, in a few words (`+64 lines`, `exit 0`).
 */
summary: string, 
/**
 * What the model was given, cut to 8 KB.
 */
output: string, 
/**
 * The file it changed.
 */
change?: FileChange, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, } | { "kind": "delegation_started", 
/**
 * The delegation, unique in its run: what events inside it name as `parent`.
 */
span: string, 
/**
 * Who is to do it (role).
 */
to: string, 
/**
 * What is to be done.
 */
task: string, } | { "kind": "delegation_finished", 
/**
 * The delegation that ended.
 */
span: string, 
/**
 * Who did it (role).
 */
to: string, 
/**
 * Whether it was done.
 */
ok: boolean, 
/**
 * What came back, in a line.
 */
summary: string, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, 
/**
 * What it cost, with all that it delegated in turn.
 */
cost_usd: Money, } | { "kind": "usage", 
/**
 * The model that answered.
 */
model: string, 
/**
 * Input tokens, cached ones left out.
 */
input_tokens: number, 
/**
 * Output tokens.
 */
output_tokens: number, 
/**
 * Input tokens read from the provider's cache.
 */
cache_read_tokens: number, 
/**
 * Input tokens written to it.
 */
cache_write_tokens: number, 
/**
 * The price of the call.
 */
cost_usd: Money, 
/**
 * Where the price comes from.
 */
basis: CostBasis, 
/**
 * When the call began. The call belongs to that day.
 */
started_at: Time, 
/**
 * The lease that this settles.
 */
lease_id?: LeaseId, } | { "kind": "progress", 
/**
 * Steps done.
 */
done: number, 
/**
 * Steps known.
 */
total: number, 
/**
 * The step at hand.
 */
note: string, 
/**
 * The stages, where the work has any.
 */
stages?: Stages, } | { "kind": "waiting", 
/**
 * What it waits for, in a few words.
 */
reason: WaitReason, 
/**
 * The whole story in a sentence.
 */
detail: string, 
/**
 * When it will try again, where that is known.
 */
until?: Time, 
/**
 * Whether the wait has ended.
 */
over: boolean, } | { "kind": "notice", 
/**
 * How much it matters.
 */
level: NoticeLevel, 
/**
 * What it is.
 */
text: string, } | { "kind": "error", 
/**
 * What, and what to do.
 */
error: Error, } | { "kind": "run_exited", 
/**
 * How the run ended.
 */
outcome: Outcome, 
/**
 * The CEO's answer in full, where there is one.
 */
result?: string, 
/**
 * Why it failed.
 */
error?: Error, 
/**
 * Model calls of the CEO.
 */
turns: number, 
/**
 * Whether a tool that changes anything was called: a failed run that had no effect may be tried again.
 */
effects: boolean, 
/**
 * Processes under the worker that were ended.
 */
ended: number, 
/**
 * Of those, by force.
 */
forced: number, 
/**
 * Processes under the worker that are left. 0, or it says so.
 */
left: number, } | { "kind": "job_changed", 
/**
 * The state it has now.
 */
state: JobState, 
/**
 * Why, in a sentence; empty where the state says it all.
 */
reason: string, 
/**
 * When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
 */
until?: Time, 
/**
 * What became of its processes, once it ended.
 */
stopped?: StopCounts, } | { "kind": "asked", 
/**
 * The question, unique in its run.
 */
key: string, 
/**
 * What kind it is.
 */
ask: Ask, 
/**
 * The question, in a sentence or a few. Hostile text.
 */
text: string, 
/**
 * What one has to know to answer it: a command in full, a limit and what is spent of it.
 */
detail: string, 
/**
 * The answers to choose from; empty where any text is one.
 */
options: Array<string>, 
/**
 * The act that it is about, where it asks for leave to act.
 */
approval?: Approval, } | { "kind": "answered", 
/**
 * The question.
 */
question_id: QuestionId, 
/**
 * Its key.
 */
key: string, 
/**
 * The run that asked; by a name of its own on the wire, where the event's own `run_id` stands beside it.
 */
asked_in: RunId, 
/**
 * The answer.
 */
answer: string, 
/**
 * From which door it came.
 */
by: Origin, } | { "kind": "follow_up", 
/**
 * What.
 */
text: string, } | { "kind": "follow_up_taken", 
/**
 * The `follow_up` events that it was told, by their place.
 */
seqs: Array<Seq>, } | { "kind": "prompt", 
/**
 * The model.
 */
model: string, 
/**
 * The system prompt.
 */
system: string, 
/**
 * The first message.
 */
message: string, 
/**
 * The tools that it has.
 */
tools: Array<string>, } | { "kind": "journal", 
/**
 * A few sentences.
 */
text: string, 
/**
 * What writing them cost.
 */
cost_usd: Money, } | { "kind": "engine_started", 
/**
 * Which engine.
 */
engine: EngineKind, 
/**
 * Which of the agents that speak ACP; empty for any other engine.
 */
engine_agent: string, 
/**
 * Its own name for the conversation, where it has one: what it is taken up by.
 */
conversation?: string, 
/**
 * The program's version, as it says; empty where it does not.
 */
version: string, 
/**
 * How far it is confined.
 */
confined: Confined, } | { "kind": "files_found", 
/**
 * The files.
 */
changes: Array<FileChange>, } | { "kind": "held", 
/**
 * Whether it is on hold now.
 */
held: boolean, 
/**
 * Whether all jobs are, and not this one alone.
 */
all: boolean, });

/**
 * What happened.
 */
export type EventBody = { "kind": "message", 
/**
 * What it said.
 */
text: string, } | { "kind": "thinking", 
/**
 * The reasoning.
 */
text: string, } | { "kind": "tool_started", 
/**
 * The call, unique in its run.
 */
call: string, 
/**
 * The tool's name (`Write`).
 */
tool: string, 
/**
 * What it is about, in a few words (`docs/about.md`).
 */
subject: string, 
/**
 * The input as the model gave it, cut where it is long.
 */
input: unknown, } | { "kind": "tool_finished", 
/**
 * The call that ended.
 */
call: string, 
/**
 * The tool's name.
 */
tool: string, 
/**
 * Whether it did what it should.
 */
ok: boolean, 
/**
 * How it went, in a few words (`+64 lines`, `exit 0`).
 */
summary: string, 
/**
 * What the model was given, cut to 8 KB.
 */
output: string, 
/**
 * The file it changed.
 */
change?: FileChange, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, } | { "kind": "delegation_started", 
/**
 * The delegation, unique in its run: what events inside it name as `parent`.
 */
span: string, 
/**
 * Who is to do it (role).
 */
to: string, 
/**
 * What is to be done.
 */
task: string, } | { "kind": "delegation_finished", 
/**
 * The delegation that ended.
 */
span: string, 
/**
 * Who did it (role).
 */
to: string, 
/**
 * Whether it was done.
 */
ok: boolean, 
/**
 * What came back, in a line.
 */
summary: string, 
/**
 * How long it took, in milliseconds.
 */
duration_ms: number, 
/**
 * What it cost, with all that it delegated in turn.
 */
cost_usd: Money, } | { "kind": "usage", 
/**
 * The model that answered.
 */
model: string, 
/**
 * Input tokens, cached ones left out.
 */
input_tokens: number, 
/**
 * Output tokens.
 */
output_tokens: number, 
/**
 * Input tokens read from the provider's cache.
 */
cache_read_tokens: number, 
/**
 * Input tokens written to it.
 */
cache_write_tokens: number, 
/**
 * The price of the call.
 */
cost_usd: Money, 
/**
 * Where the price comes from.
 */
basis: CostBasis, 
/**
 * When the call began. The call belongs to that day.
 */
started_at: Time, 
/**
 * The lease that this settles.
 */
lease_id?: LeaseId, } | { "kind": "progress", 
/**
 * Steps done.
 */
done: number, 
/**
 * Steps known.
 */
total: number, 
/**
 * The step at hand.
 */
note: string, 
/**
 * The stages, where the work has any.
 */
stages?: Stages, } | { "kind": "waiting", 
/**
 * What it waits for, in a few words.
 */
reason: WaitReason, 
/**
 * The whole story in a sentence.
 */
detail: string, 
/**
 * When it will try again, where that is known.
 */
until?: Time, 
/**
 * Whether the wait has ended.
 */
over: boolean, } | { "kind": "notice", 
/**
 * How much it matters.
 */
level: NoticeLevel, 
/**
 * What it is.
 */
text: string, } | { "kind": "error", 
/**
 * What, and what to do.
 */
error: Error, } | { "kind": "run_exited", 
/**
 * How the run ended.
 */
outcome: Outcome, 
/**
 * The CEO's answer in full, where there is one.
 */
result?: string, 
/**
 * Why it failed.
 */
error?: Error, 
/**
 * Model calls of the CEO.
 */
turns: number, 
/**
 * Whether a tool that changes anything was called: a failed run that had no effect may be tried again.
 */
effects: boolean, 
/**
 * Processes under the worker that were ended.
 */
ended: number, 
/**
 * Of those, by force.
 */
forced: number, 
/**
 * Processes under the worker that are left. 0, or it says so.
 */
left: number, } | { "kind": "job_changed", 
/**
 * The state it has now.
 */
state: JobState, 
/**
 * Why, in a sentence; empty where the state says it all.
 */
reason: string, 
/**
 * When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
 */
until?: Time, 
/**
 * What became of its processes, once it ended.
 */
stopped?: StopCounts, } | { "kind": "asked", 
/**
 * The question, unique in its run.
 */
key: string, 
/**
 * What kind it is.
 */
ask: Ask, 
/**
 * The question, in a sentence or a few. Hostile text.
 */
text: string, 
/**
 * What one has to know to answer it: a command in full, a limit and what is spent of it.
 */
detail: string, 
/**
 * The answers to choose from; empty where any text is one.
 */
options: Array<string>, 
/**
 * The act that it is about, where it asks for leave to act.
 */
approval?: Approval, } | { "kind": "answered", 
/**
 * The question.
 */
question_id: QuestionId, 
/**
 * Its key.
 */
key: string, 
/**
 * The run that asked; by a name of its own on the wire, where the event's own `run_id` stands beside it.
 */
asked_in: RunId, 
/**
 * The answer.
 */
answer: string, 
/**
 * From which door it came.
 */
by: Origin, } | { "kind": "follow_up", 
/**
 * What.
 */
text: string, } | { "kind": "follow_up_taken", 
/**
 * The `follow_up` events that it was told, by their place.
 */
seqs: Array<Seq>, } | { "kind": "prompt", 
/**
 * The model.
 */
model: string, 
/**
 * The system prompt.
 */
system: string, 
/**
 * The first message.
 */
message: string, 
/**
 * The tools that it has.
 */
tools: Array<string>, } | { "kind": "journal", 
/**
 * A few sentences.
 */
text: string, 
/**
 * What writing them cost.
 */
cost_usd: Money, } | { "kind": "engine_started", 
/**
 * Which engine.
 */
engine: EngineKind, 
/**
 * Which of the agents that speak ACP; empty for any other engine.
 */
engine_agent: string, 
/**
 * Its own name for the conversation, where it has one: what it is taken up by.
 */
conversation?: string, 
/**
 * The program's version, as it says; empty where it does not.
 */
version: string, 
/**
 * How far it is confined.
 */
confined: Confined, } | { "kind": "files_found", 
/**
 * The files.
 */
changes: Array<FileChange>, } | { "kind": "held", 
/**
 * Whether it is on hold now.
 */
held: boolean, 
/**
 * Whether all jobs are, and not this one alone.
 */
all: boolean, };

/**
 * An event that a search found.
 */
export type EventHit = { 
/**
 * The event.
 */
seq: Seq, 
/**
 * Its job.
 */
job_id: JobId, 
/**
 * The job's title.
 */
title: string, 
/**
 * When it happened.
 */
at: Time, 
/**
 * The agent's role.
 */
agent: string, 
/**
 * The text around the hit, plain.
 */
snippet: string, };

/**
 * A page of hits, newest first.
 */
export type EventHits = { 
/**
 * The hits.
 */
hits: Array<EventHit>, 
/**
 * What to give as `before` for the next page; none on the last.
 */
next?: Seq, };

/**
 * Which events to list. With `after`: upward from there; else the last ones, or those before `before`.
 * Either way a page is in order, oldest first.
 */
export type EventListParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * Events after this one.
 */
after?: Seq, 
/**
 * Events before this one.
 */
before?: Seq, 
/**
 * Rows, 1 to 500; 200 where it is not given.
 */
limit?: number, };

/**
 * A page of events, oldest first.
 */
export type EventPage = { 
/**
 * The events.
 */
events: Array<Event>, 
/**
 * Whether there are earlier ones.
 */
more_before: boolean, 
/**
 * Whether there are later ones.
 */
more_after: boolean, };

/**
 * Search the text of events, newest first.
 */
export type EventSearchParams = { 
/**
 * Words; all must occur.
 */
query: string, 
/**
 * Of one company.
 */
company_id?: CompanyId, 
/**
 * Of one job.
 */
job_id?: JobId, 
/**
 * Continue below this event.
 */
before?: Seq, 
/**
 * Rows, 1 to 500; 50 where it is not given.
 */
limit?: number, };

/**
 * Hear of a job's events as they are stored.
 */
export type EventSubscribeParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * From the event after this one.
 */
after: Seq, 
/**
 * Also the streaming tail of unfinished messages.
 */
deltas: boolean, };

/**
 * Events were stored.
 */
export type EventsAdded = { 
/**
 * The subscription.
 */
subscription: number, 
/**
 * The events, in order.
 */
events: Array<Event>, };

/**
 * As what a job is written to a file.
 */
export type ExportFormat = "markdown" | "json" | "html";

/**
 * A file that was changed.
 */
export type FileChange = { 
/**
 * Its path inside the company folder, with `/`.
 */
path: string, 
/**
 * Whether the file is new.
 */
created: boolean, 
/**
 * Lines added.
 */
added: number, 
/**
 * Lines removed.
 */
removed: number, };

/**
 * A file as a job left it, compared with what it was before.
 */
export type FileDiff = { 
/**
 * The file.
 */
path: string, 
/**
 * How it compares.
 */
state: FileDiffState, 
/**
 * The change as a unified diff, at most 512 KB; empty where there is none to show. Hostile text.
 */
diff: string, 
/**
 * Whether the diff was cut.
 */
cut: boolean, 
/**
 * Other jobs that changed the file while this one was under way; at most 20.
 */
also_by: Array<JobId>, };

/**
 * Compare a file as a job left it with what it was before.
 */
export type FileDiffParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * The file's path inside the company folder, as the job's list of files has it.
 */
path: string, };

/**
 * How a file as a job left it compares with what it was before.
 */
export type FileDiffState = "changed" | "created" | "removed" | "same" | "binary" | "not_kept";

/**
 * A page of changed files, by path.
 */
export type FilePage = { 
/**
 * The files.
 */
files: Array<ChangedFile>, 
/**
 * Files in all.
 */
total: number, };

/**
 * Whether a worker may go on.
 */
export type GoOn = { 
/**
 * Whether it may; if not, ask again after a while.
 */
granted: boolean, };

/**
 * A worker whose job waits can go on again, and asks for a slot.
 */
export type GoOnParams = { 
/**
 * The spool line that said that it waits: what comes before it is to be stored first.
 */
line: number, };

/**
 * Why a verdict is what it is.
 */
export type Ground = "autonomy" | "rule" | "config";

/**
 * How the daemon and its workers fare.
 */
export type Health = { 
/**
 * The daemon itself.
 */
status: DaemonStatus, 
/**
 * How long it has been up, in milliseconds.
 */
uptime_ms: number, 
/**
 * When its heart last beat: written to the database and the home's `heartbeat` file.
 */
beat_at: Time, 
/**
 * Memory of the daemon's process, in bytes.
 */
memory_bytes: number, 
/**
 * Processor time it has used, in milliseconds.
 */
cpu_ms: number, 
/**
 * Runs at once, at most.
 */
max_parallel_jobs: number, 
/**
 * The runs that are alive; at most 100.
 */
workers: Array<WorkerHealth>, 
/**
 * Bytes of spools that are written and not stored yet, all workers together.
 */
lag_bytes: number, 
/**
 * Bytes free on the disk that holds the home; none where the system does not say.
 */
disk_free_bytes?: number, 
/**
 * When the newest copy of the database was made.
 */
backup_at?: Time, 
/**
 * What was said of the database when the daemon started, where it had to be repaired.
 */
repaired: string, 
/**
 * The last errors and warnings of the daemon's log, newest last; at most 20.
 */
errors: Array<LoggedError>, };

/**
 * Who is calling.
 */
export type InitializeParams = { 
/**
 * The protocol the client speaks ([`crate::PROTOCOL`]).
 */
protocol: number, 
/**
 * The client's name and version, for the log.
 */
client: string, 
/**
 * What it may do; none for `ping` only.
 */
credential?: Credential, 
/**
 * The client's session bus, for a daemon that was started without one.
 */
session_bus?: string, };

/**
 * Who answers.
 */
export type InitializeResult = { 
/**
 * The protocol the daemon speaks.
 */
protocol: number, 
/**
 * The daemon's version.
 */
version: string, 
/**
 * Its process.
 */
pid: number, };

/**
 * A job as a row of a list.
 */
export type Job = { 
/**
 * Its id.
 */
job_id: JobId, 
/**
 * Its company.
 */
company_id: CompanyId, 
/**
 * The session it belongs to.
 */
session_id: SessionId, 
/**
 * Whom it was sent to (role): the CEO, or a head that is briefed directly.
 */
agent: string, 
/**
 * The job it restarts.
 */
parent_job_id?: JobId, 
/**
 * The directive's first words, in a line.
 */
title: string, 
/**
 * Where it stands.
 */
state: JobState, 
/**
 * Why, in a sentence; empty where the state says it all.
 */
reason: string, 
/**
 * When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
 */
until?: Time, 
/**
 * The job that must complete before this one begins.
 */
after_job_id?: JobId, 
/**
 * Its place in line: higher goes first; -100 to 100.
 */
priority: number, 
/**
 * Whether the founder put it on hold. (All jobs may be: see the Desk.)
 */
held: boolean, 
/**
 * The engine it runs on.
 */
engine: EngineKind, 
/**
 * Which of the agents that speak ACP; empty for any other engine.
 */
engine_agent: string, 
/**
 * From which door it came.
 */
origin: Origin, 
/**
 * Whether somebody waits for it in a terminal.
 */
foreground: boolean, 
/**
 * When it was submitted.
 */
created_at: Time, 
/**
 * When its first run began.
 */
started_at?: Time, 
/**
 * When it ended.
 */
finished_at?: Time, 
/**
 * What it cost so far.
 */
cost_usd: Money, 
/**
 * Where that figure comes from.
 */
cost_basis: CostBasis, 
/**
 * Its own limit; zero means none.
 */
max_cost_usd: Money, 
/**
 * Model calls of the CEO.
 */
turns: number, 
/**
 * Who does what right now.
 */
activity?: Activity, 
/**
 * How far it is, where the engine says.
 */
progress?: Progress, 
/**
 * When it will be done, as far as one can tell: from its progress and from how long jobs of its kind took. None
 * where one cannot tell; once it has passed, nobody knows.
 */
eta?: Time, 
/**
 * The result in a line, once it completed.
 */
result?: string, 
/**
 * Why it failed.
 */
error?: Error, 
/**
 * What became of its processes, once it ended and they were looked at.
 */
stopped?: StopCounts, 
/**
 * Runs it has had.
 */
attempts: number, 
/**
 * While it is queued: how many jobs of its session are before it, the one at work included. None when nothing is.
 */
position?: number, 
/**
 * The last event that changed it.
 */
seq: Seq, };

/**
 * A job that was told to stop.
 */
export type JobCancelResult = { 
/**
 * The job as it is now: final when this returns.
 */
job: Job, 
/**
 * What became of its processes.
 */
stopped: StopCounts, };

/**
 * Forget jobs for good: at most 500, all of them ended.
 */
export type JobDeleteParams = { 
/**
 * Which.
 */
job_ids: Array<JobId>, };

/**
 * Everything about a job but its events.
 */
export type JobDetail = { 
/**
 * The directive in full.
 */
directive: string, 
/**
 * The CEO's answer in full, once it completed.
 */
answer?: string, 
/**
 * Tokens, all agents together.
 */
tokens: Tokens, 
/**
 * Costs, dearest agent first.
 */
cost_by_agent: Array<AgentCost>, 
/**
 * The latest run.
 */
run?: Run, 
/**
 * Events stored.
 */
events: number, 
/**
 * Files changed.
 */
files: number, 
/**
 * Its id.
 */
job_id: JobId, 
/**
 * Its company.
 */
company_id: CompanyId, 
/**
 * The session it belongs to.
 */
session_id: SessionId, 
/**
 * Whom it was sent to (role): the CEO, or a head that is briefed directly.
 */
agent: string, 
/**
 * The job it restarts.
 */
parent_job_id?: JobId, 
/**
 * The directive's first words, in a line.
 */
title: string, 
/**
 * Where it stands.
 */
state: JobState, 
/**
 * Why, in a sentence; empty where the state says it all.
 */
reason: string, 
/**
 * When it goes on by itself, where that is known: a scheduled or retrying job's next run, a wait's end.
 */
until?: Time, 
/**
 * The job that must complete before this one begins.
 */
after_job_id?: JobId, 
/**
 * Its place in line: higher goes first; -100 to 100.
 */
priority: number, 
/**
 * Whether the founder put it on hold. (All jobs may be: see the Desk.)
 */
held: boolean, 
/**
 * The engine it runs on.
 */
engine: EngineKind, 
/**
 * Which of the agents that speak ACP; empty for any other engine.
 */
engine_agent: string, 
/**
 * From which door it came.
 */
origin: Origin, 
/**
 * Whether somebody waits for it in a terminal.
 */
foreground: boolean, 
/**
 * When it was submitted.
 */
created_at: Time, 
/**
 * When its first run began.
 */
started_at?: Time, 
/**
 * When it ended.
 */
finished_at?: Time, 
/**
 * What it cost so far.
 */
cost_usd: Money, 
/**
 * Where that figure comes from.
 */
cost_basis: CostBasis, 
/**
 * Its own limit; zero means none.
 */
max_cost_usd: Money, 
/**
 * Model calls of the CEO.
 */
turns: number, 
/**
 * Who does what right now.
 */
activity?: Activity, 
/**
 * How far it is, where the engine says.
 */
progress?: Progress, 
/**
 * When it will be done, as far as one can tell: from its progress and from how long jobs of its kind took. None
 * where one cannot tell; once it has passed, nobody knows.
 */
eta?: Time, 
/**
 * The result in a line, once it completed.
 */
result?: string, 
/**
 * Why it failed.
 */
error?: Error, 
/**
 * What became of its processes, once it ended and they were looked at.
 */
stopped?: StopCounts, 
/**
 * Runs it has had.
 */
attempts: number, 
/**
 * While it is queued: how many jobs of its session are before it, the one at work included. None when nothing is.
 */
position?: number, 
/**
 * The last event that changed it.
 */
seq: Seq, };

/**
 * Write a job to a file that can be read without this app.
 */
export type JobExportParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * As what.
 */
format: ExportFormat, 
/**
 * The file, absolute, which must not be there yet; one in the founder's folder for downloads where none is
 * named.
 */
path?: string, };

/**
 * What was written.
 */
export type JobExportResult = { 
/**
 * The file.
 */
path: string, 
/**
 * Its size.
 */
bytes: number, };

/**
 * Say more to a job at work.
 */
export type JobFollowUpParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * What the CEO is to know.
 */
text: string, };

/**
 * Put on hold, or let go on.
 */
export type JobHoldParams = { 
/**
 * The job; none for all jobs, those to come included.
 */
job_id?: JobId, };

/**
 * What is on hold now.
 */
export type JobHoldResult = { 
/**
 * Whether all jobs are.
 */
all: boolean, 
/**
 * The job, where one was named.
 */
job?: Job, };

/**
 * A brief and all that came of it.
 */
export type JobId = number;

/**
 * Which jobs to list, newest first.
 */
export type JobListParams = { 
/**
 * Of one company.
 */
company_id?: CompanyId, 
/**
 * Of one session.
 */
session_id?: SessionId, 
/**
 * In these states; empty for all.
 */
states: Array<JobState>, 
/**
 * Sent to this agent (role).
 */
agent?: string, 
/**
 * On this engine, by its name in configs (`acp:gemini`).
 */
engine?: string, 
/**
 * Created at or after.
 */
since?: Time, 
/**
 * Created before.
 */
until?: Time, 
/**
 * In which order.
 */
sort: JobSort, 
/**
 * Skip as many rows; only where they are not sorted by age.
 */
offset: number, 
/**
 * Continue below this job.
 */
before?: JobId, 
/**
 * Rows, 1 to 500; 50 where it is not given.
 */
limit?: number, };

/**
 * A page of jobs.
 */
export type JobPage = { 
/**
 * Newest first.
 */
jobs: Array<Job>, 
/**
 * What to give as `before` for the next page; none on the last.
 */
next?: JobId, };

/**
 * A page of one job's rows.
 */
export type JobPageParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * Skip as many rows.
 */
offset: number, 
/**
 * Rows, 1 to 500; 200 where it is not given.
 */
limit?: number, };

/**
 * Forget jobs that ended long ago: their rows, events, files' list and spools. What they cost stays counted.
 */
export type JobPruneParams = { 
/**
 * Those that ended before this time.
 */
before: Time, 
/**
 * Of one company.
 */
company_id?: CompanyId, 
/**
 * Only say what would go.
 */
dry_run: boolean, };

/**
 * What was forgotten, or would be.
 */
export type JobPruneResult = { 
/**
 * Jobs.
 */
jobs: number, 
/**
 * Their events.
 */
events: number, 
/**
 * Bytes of their spools and logs on disk.
 */
bytes: number, };

/**
 * Read the lines of an engine's program as it wrote them.
 */
export type JobRawParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * Which of its runs; the latest where none is named.
 */
run_id?: RunId, 
/**
 * Where to read on, in bytes; from the beginning where it is not given.
 */
from?: number, };

/**
 * A job, by its number.
 */
export type JobRef = { 
/**
 * The number.
 */
job_id: JobId, };

/**
 * Send a job's brief again.
 */
export type JobRestartParams = { 
/**
 * The job, one that has ended.
 */
job_id: JobId, 
/**
 * Whether somebody waits for it in a terminal.
 */
foreground: boolean, };

/**
 * In which order jobs are listed.
 */
export type JobSort = "newest" | "oldest" | "cost" | "duration";

/**
 * Where a job stands.
 */
export type JobState = "scheduled" | "blocked" | "queued" | "running" | "waiting" | "retrying" | "completed" | "failed" | "cancelled";

/**
 * Numbers over jobs.
 */
export type JobStats = { 
/**
 * Jobs by state name.
 */
by_state: { [key in string]: number }, 
/**
 * What all of them cost.
 */
cost_usd: Money, 
/**
 * Jobs in all.
 */
total: number, };

/**
 * Send the tasks of a list, each as a brief, one after the other.
 */
export type JobSubmitListParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The list's file, by name: its ending says how it reads.
 */
file: string, 
/**
 * What is in it: numbered lines, or JSON.
 */
text: string, 
/**
 * From which door.
 */
origin: Origin, 
/**
 * Open a session where none is open, instead of refusing.
 */
start_session: boolean, 
/**
 * Go on with the next task when one fails, instead of failing those after it.
 */
keep_going: boolean, 
/**
 * Each brief's own limit; none for the setting's, zero for no limit.
 */
max_cost_usd?: Money, };

/**
 * Send a brief.
 */
export type JobSubmitParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * What is to be done.
 */
directive: string, 
/**
 * Whom it goes to (role): the CEO where none is named; a head has a session of its own.
 */
agent?: string, 
/**
 * From which door.
 */
origin: Origin, 
/**
 * Whether somebody waits for it in a terminal.
 */
foreground: boolean, 
/**
 * Put it in line when the session has a brief under way, instead of refusing it.
 */
queue: boolean, 
/**
 * Open a session where none is open, instead of refusing.
 */
start_session: boolean, 
/**
 * Its place in line: higher goes first; -100 to 100.
 */
priority: number, 
/**
 * Begin only once this job has completed; one of the same company.
 */
after_job_id?: JobId, 
/**
 * Begin at this time, or as soon after it as there is a slot.
 */
not_before?: Time, 
/**
 * The brief's own limit; none for the setting's, zero for no limit.
 */
max_cost_usd?: Money, 
/**
 * Files to lay beside the brief, absolute: they are copied into the company's folder, and named in the brief. At
 * most 20, of 50 MB each.
 */
attachments: Array<string>, 
/**
 * Chosen by the client: a second submit with the same key within a day returns the first one's job.
 */
idempotency_key?: string, };

/**
 * Wait until a job has ended.
 */
export type JobWaitParams = { 
/**
 * The job.
 */
job_id: JobId, 
/**
 * At most so long, in milliseconds; none for five minutes, which is also the most.
 */
timeout_ms?: number, };

/**
 * A job that was waited for.
 */
export type JobWaitResult = { 
/**
 * The job as it is now.
 */
job: Job, 
/**
 * Whether it has ended; if not, wait again.
 */
ended: boolean, };

/**
 * Jobs that were stored.
 */
export type JobsStored = { 
/**
 * In the order of the list.
 */
jobs: Array<Job>, };

/**
 * An entry of a company's journal: what came of a brief.
 */
export type JournalEntry = { 
/**
 * Its id.
 */
entry_id: EntryId, 
/**
 * The job.
 */
job_id: JobId, 
/**
 * The session.
 */
session_id: SessionId, 
/**
 * The brief's first words.
 */
title: string, 
/**
 * What was done, in a few sentences. From a model: hostile text.
 */
text: string, 
/**
 * When it was written.
 */
at: Time, 
/**
 * What the brief cost.
 */
cost_usd: Money, 
/**
 * Model calls of the CEO.
 */
turns: number, 
/**
 * Files that it changed; at most 20.
 */
files: Array<string>, };

/**
 * A company's journal, newest first.
 */
export type JournalListParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * Words; all must occur.
 */
search?: string, 
/**
 * Continue below this entry.
 */
before?: EntryId, 
/**
 * Rows, 1 to 500; 50 where it is not given.
 */
limit?: number, };

/**
 * A page of a journal.
 */
export type JournalPage = { 
/**
 * Newest first.
 */
entries: Array<JournalEntry>, 
/**
 * What to give as `before` for the next page; none on the last.
 */
next?: EntryId, };

/**
 * A key, without the key.
 */
export type Key = { 
/**
 * Whose key it is (`anthropic`).
 */
provider: string, 
/**
 * Where it is kept.
 */
storage: KeyStorage, 
/**
 * Its last four characters, to tell keys apart.
 */
hint: string, 
/**
 * Whether it can be read right now; a locked keychain or key file cannot.
 */
unlocked: boolean, };

/**
 * The keys there are.
 */
export type KeyList = { 
/**
 * Without the keys themselves.
 */
keys: Array<Key>, 
/**
 * Whether this machine has a keychain, in a sentence.
 */
keychain: string, };

/**
 * Whose key.
 */
export type KeyRef = { 
/**
 * `anthropic`.
 */
provider: string, };

/**
 * Set a key.
 */
export type KeySetParams = { 
/**
 * `anthropic`.
 */
provider: string, 
/**
 * The key.
 */
key: string, 
/**
 * Where to keep it; none for the keychain, and in memory where there is none.
 */
storage?: KeyStorage, 
/**
 * For `passphrase_file`.
 */
passphrase?: string, };

/**
 * Where a key is kept.
 */
export type KeyStorage = "keychain" | "passphrase_file" | "session";

/**
 * Open the key file.
 */
export type KeyUnlockParams = { 
/**
 * The passphrase.
 */
passphrase: string, };

/**
 * Leave for a model call.
 */
export type Lease = { 
/**
 * To be named in the call's `usage` event.
 */
lease_id: LeaseId, };

/**
 * Money set aside for one model call.
 */
export type LeaseId = number;

/**
 * A worker asks leave for a model call.
 */
export type LeaseParams = { 
/**
 * Who calls (role).
 */
agent: string, 
/**
 * The model.
 */
model: string, 
/**
 * The most that the call can cost.
 */
worst_usd: Money, 
/**
 * The most tokens that it can use.
 */
worst_tokens: number, };

/**
 * A worker gives a lease back unused.
 */
export type LeaseReturn = { 
/**
 * The lease.
 */
lease_id: LeaseId, };

/**
 * A limit, and how much of it is used.
 */
export type LimitUse = { 
/**
 * Which ("Day", "Month", "Session", "CTO today").
 */
name: string, 
/**
 * The key of the config that sets it.
 */
key: string, 
/**
 * What is spent; none where the limit is one of tokens.
 */
spent_usd?: Money, 
/**
 * The limit.
 */
limit_usd?: Money, 
/**
 * Tokens used, where the limit is one of tokens.
 */
tokens?: number, 
/**
 * The limit in tokens.
 */
limit_tokens?: number, 
/**
 * How much of it is used.
 */
band: Band, };

/**
 * How much the daemon says in its log.
 */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

/**
 * The daemon's log level.
 */
export type LogLevelParams = { 
/**
 * The level, until the daemon ends or reloads.
 */
level: LogLevel, };

/**
 * A line of the daemon's log that told of something wrong.
 */
export type LoggedError = { 
/**
 * When.
 */
at: Time, 
/**
 * How bad.
 */
level: LogLevel, 
/**
 * What it said, in a line.
 */
text: string, };

/**
 * Whether a program is logged in at its provider.
 */
export type Login = "in" | "out" | "unknown" | "none";

/**
 * An amount in integer nano-dollars. In JSON it is a number of dollars (`cost_usd: 0.0746`), exact to the
 * nano-dollar up to a million dollars.
 */
export type Money = number;

/**
 * Something the founder is told once, natively.
 */
export type Notice = { 
/**
 * Its id.
 */
notice_id: NoticeId, 
/**
 * The job it is about; what Open brings up.
 */
job_id: JobId, 
/**
 * The company.
 */
company_id: CompanyId, 
/**
 * What it is about.
 */
kind: NoticeKind, 
/**
 * The heading.
 */
title: string, 
/**
 * A line or two, plain text.
 */
body: string, 
/**
 * Whether it is about something that went wrong.
 */
urgent: boolean, 
/**
 * The question it is about, where it is about one.
 */
question_id?: QuestionId, 
/**
 * Whether Allow and Deny may stand on it: the question asks for leave to act, and all of the act is in the body.
 */
decidable: boolean, 
/**
 * How many it speaks for, where several are told as one; none where it is about its own job alone.
 */
together?: number, };

/**
 * Something the founder is told once.
 */
export type NoticeId = number;

/**
 * What a notice is about, as far as the founder chooses which ones to hear.
 */
export type NoticeKind = "done" | "failed" | "question" | "approval";

/**
 * How much a notice matters.
 */
export type NoticeLevel = "info" | "warning";

/**
 * The founder's notices, newest first.
 */
export type NoticeListParams = { 
/**
 * Continue below this notice.
 */
before?: NoticeId, 
/**
 * Rows, 1 to 500; 50 where it is not given.
 */
limit?: number, };

/**
 * A page of notices.
 */
export type NoticePage = { 
/**
 * Newest first.
 */
notices: Array<NoticeRow>, 
/**
 * Those that nobody has looked at, in all.
 */
unseen: number, 
/**
 * What to give as `before` for the next page; none on the last.
 */
next?: NoticeId, };

/**
 * What became of a notice.
 */
export type NoticeReportParams = { 
/**
 * The notice.
 */
notice_id: NoticeId, 
/**
 * What became of it.
 */
delivery: Delivery, 
/**
 * The system's own words, where it failed.
 */
detail: string, };

/**
 * A notice in the app's own list of them.
 */
export type NoticeRow = { 
/**
 * When it came up.
 */
at: Time, 
/**
 * What became of it natively; none while that is not known.
 */
delivery?: Delivery, 
/**
 * The system's own words, where it was not shown.
 */
detail: string, 
/**
 * Whether the founder has looked at it in the app, or opened it.
 */
seen: boolean, 
/**
 * Its id.
 */
notice_id: NoticeId, 
/**
 * The job it is about; what Open brings up.
 */
job_id: JobId, 
/**
 * The company.
 */
company_id: CompanyId, 
/**
 * What it is about.
 */
kind: NoticeKind, 
/**
 * The heading.
 */
title: string, 
/**
 * A line or two, plain text.
 */
body: string, 
/**
 * Whether it is about something that went wrong.
 */
urgent: boolean, 
/**
 * The question it is about, where it is about one.
 */
question_id?: QuestionId, 
/**
 * Whether Allow and Deny may stand on it: the question asks for leave to act, and all of the act is in the body.
 */
decidable: boolean, 
/**
 * How many it speaks for, where several are told as one; none where it is about its own job alone.
 */
together?: number, };

/**
 * The founder has looked at the notices up to this one.
 */
export type NoticeSeenParams = { 
/**
 * The newest that was looked at.
 */
up_to: NoticeId, };

/**
 * Which notices the founder hears natively, and when. All of them are in the app's list.
 */
export type Notify = { 
/**
 * Briefs that were completed.
 */
done: boolean, 
/**
 * Briefs that failed.
 */
failed: boolean, 
/**
 * Questions.
 */
question: boolean, 
/**
 * Questions for leave to act.
 */
approval: boolean, 
/**
 * When it becomes quiet, in the founder's local time (`22:00`); empty for never.
 */
quiet_from: string, 
/**
 * When it ends to be quiet (`07:00`); empty for never.
 */
quiet_to: string, 
/**
 * Whether failures and questions are told in quiet hours, too.
 */
quiet_lets_urgent: boolean, };

/**
 * From which door a brief came.
 */
export type Origin = "cli" | "desk" | "quick" | "notification" | "timeout" | "client";

/**
 * How a run ended.
 */
export type Outcome = "completed" | "failed" | "cancelled";

/**
 * How an engine's calls are paid for.
 */
export type Pays = "auto" | "login" | "key";

/**
 * What an agent may do of one kind.
 */
export type Permission = { 
/**
 * The kind.
 */
act: Act, 
/**
 * The verdict that holds where no rule about something exact fits.
 */
verdict: Verdict, 
/**
 * Why.
 */
ground: Ground, };

/**
 * Make, change or clear a rule on what agents may do.
 */
export type PermissionSetParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The agent (role); all where none is named.
 */
agent?: string, 
/**
 * What it is about.
 */
act: Act, 
/**
 * What exactly: a command, a path, a host; all acts of the kind where it is not given.
 */
subject?: string, 
/**
 * What is to hold; none takes the rule away, so that autonomy decides again.
 */
verdict?: Verdict, 
/**
 * From which door.
 */
origin: Origin, };

/**
 * What the agents of a company may do.
 */
export type PermissionTable = { 
/**
 * The company.
 */
company_id: CompanyId, 
/**
 * Its team.
 */
agents: Array<AgentPermissions>, 
/**
 * The founder's rules, newest first; at most 500.
 */
rules: Array<Rule>, };

/**
 * The daemon is there.
 */
export type Pong = { 
/**
 * Its process.
 */
pid: number, };

/**
 * How far a job is.
 */
export type Progress = { 
/**
 * Steps done.
 */
done: number, 
/**
 * Steps known.
 */
total: number, 
/**
 * How much of the work that is, 0 to 99; 100 once it completed. Never goes back.
 */
percent: number, 
/**
 * The step at hand.
 */
note: string, };

/**
 * A question to the founder.
 */
export type Question = { 
/**
 * Its id.
 */
question_id: QuestionId, 
/**
 * The job.
 */
job_id: JobId, 
/**
 * The run that asks.
 */
run_id: RunId, 
/**
 * The company.
 */
company_id: CompanyId, 
/**
 * The job's title.
 */
title: string, 
/**
 * Who asks (role).
 */
agent: string, 
/**
 * What kind it is.
 */
ask: Ask, 
/**
 * The question, in a sentence or a few. Hostile text.
 */
text: string, 
/**
 * What one has to know to answer it.
 */
detail: string, 
/**
 * The answers to choose from; empty where any text is one.
 */
options: Array<string>, 
/**
 * The act that it is about, where it asks for leave to act ([`Ask::Approval`]).
 */
approval?: Approval, 
/**
 * When it was asked.
 */
asked_at: Time, 
/**
 * When it was answered, or when its run ended without an answer; none while it is open.
 */
closed_at?: Time, 
/**
 * The answer; none where the run ended without one.
 */
answer?: string, 
/**
 * From which door it came.
 */
answered_by?: Origin, };

/**
 * Answer a question.
 */
export type QuestionAnswerParams = { 
/**
 * The question.
 */
question_id: QuestionId, 
/**
 * The answer: one of its options, where it has any.
 */
answer: string, 
/**
 * From which door.
 */
origin: Origin, };

/**
 * A question to the founder.
 */
export type QuestionId = number;

/**
 * Which questions to list, newest first.
 */
export type QuestionListParams = { 
/**
 * Of one company.
 */
company_id?: CompanyId, 
/**
 * Of one job.
 */
job_id?: JobId, 
/**
 * Only those that wait for an answer.
 */
open: boolean, 
/**
 * Continue below this question.
 */
before?: QuestionId, 
/**
 * Rows, 1 to 500; 50 where it is not given.
 */
limit?: number, };

/**
 * A page of questions.
 */
export type QuestionPage = { 
/**
 * Newest first.
 */
questions: Array<Question>, 
/**
 * What to give as `before` for the next page; none on the last.
 */
next?: QuestionId, };

/**
 * Lines of an engine's program.
 */
export type RawPage = { 
/**
 * The run.
 */
run_id?: RunId, 
/**
 * Whole lines, at most 512 KB of them; a longer line is cut. Hostile text.
 */
lines: Array<string>, 
/**
 * What to give as `from` for what comes after.
 */
next: number, 
/**
 * Whether there is more now.
 */
more: boolean, };

/**
 * The client read too slowly and missed something: read again from the last event it has.
 */
export type Resync = { 
/**
 * The subscription; none for the Desk.
 */
subscription?: number, };

/**
 * A rule of the founder's. It goes before what autonomy says; the narrowest that fits counts, and of two as narrow
 * the later.
 */
export type Rule = { 
/**
 * Its id.
 */
rule_id: RuleId, 
/**
 * The company it holds in.
 */
company_id: CompanyId, 
/**
 * The job it holds for; none for all.
 */
job_id?: JobId, 
/**
 * The agent it holds for (role); none for all.
 */
agent?: string, 
/**
 * What it is about.
 */
act: Act, 
/**
 * What exactly: a command, a path or a host, as [`Approval::subject`] has it; none for all acts of that kind.
 */
subject?: string, 
/**
 * What holds.
 */
verdict: Verdict, 
/**
 * When it was made.
 */
created_at: Time, 
/**
 * From which door it came.
 */
origin: Origin, };

/**
 * A rule of the founder's on what agents may do.
 */
export type RuleId = number;

/**
 * A rule.
 */
export type RuleRef = { 
/**
 * Which.
 */
rule_id: RuleId, };

/**
 * One attempt at a job.
 */
export type Run = { 
/**
 * Its id.
 */
run_id: RunId, 
/**
 * Where it stands.
 */
state: RunState, 
/**
 * The worker's process id, once it is started.
 */
pid?: number, 
/**
 * Processes under the worker, when last counted.
 */
children: number, 
/**
 * When it began.
 */
started_at: Time, 
/**
 * When it ended.
 */
ended_at?: Time, 
/**
 * When the worker was last heard of.
 */
heard_at: Time, };

/**
 * To a worker: the founder's answer to a question of its run.
 */
export type RunAnswer = { 
/**
 * The question's key.
 */
key: string, 
/**
 * The answer.
 */
answer: string, };

/**
 * A worker is to stop.
 */
export type RunCancel = { 
/**
 * Why, in a sentence.
 */
reason: string, };

/**
 * To a worker: what the founder has to say to its CEO.
 */
export type RunFollowUp = { 
/**
 * The place of its event.
 */
seq: Seq, 
/**
 * What.
 */
text: string, };

/**
 * A worker's spool has grown. A hint; may be lost.
 */
export type RunGrew = { 
/**
 * The run.
 */
run_id: RunId, 
/**
 * Its process, once it is itself (its identity follows from it).
 */
pid: number, 
/**
 * Processes under it.
 */
children: number, };

/**
 * A worker is to hold before its next call, or may go on.
 */
export type RunHold = { 
/**
 * Whether it is to hold.
 */
held: boolean, };

/**
 * One attempt at a job, in one worker process.
 */
export type RunId = number;

/**
 * The founder's rules, to a worker: all that hold for its run.
 */
export type RunRules = { 
/**
 * The rules.
 */
rules: Array<Rule>, };

/**
 * Where a run stands.
 */
export type RunState = "starting" | "running" | "stopping" | "exited" | "crashed" | "killed";

/**
 * Whether agents and their commands are confined.
 */
export type Sandbox = "auto" | "required" | "off";

/**
 * How far an "always" reaches.
 */
export type Scope = "job" | "agent" | "company";

/**
 * The place of an event in the order in which events were stored, over all jobs.
 * `Seq(0)` stands before the first.
 */
export type Seq = number;

/**
 * A CEO's conversation.
 */
export type Session = { 
/**
 * Its id.
 */
session_id: SessionId, 
/**
 * Its company.
 */
company_id: CompanyId, 
/**
 * Whose conversation it is (role): the CEO's, or a head's that is briefed directly.
 */
agent: string, 
/**
 * When it was opened.
 */
opened_at: Time, 
/**
 * When it was closed; none while it is open.
 */
closed_at?: Time, 
/**
 * Briefs it has taken.
 */
jobs: number, 
/**
 * The first words of its latest brief; empty before the first.
 */
latest: string, 
/**
 * How its agent introduces itself, in a line; only where the session was just opened, or opened again.
 */
greeting?: string, };

/**
 * A CEO's conversation: takes one brief at a time.
 */
export type SessionId = number;

/**
 * Which sessions to list, newest first.
 */
export type SessionListParams = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * Continue below this session.
 */
before?: SessionId, 
/**
 * Rows, 1 to 500; 50 where it is not given.
 */
limit?: number, };

/**
 * A page of sessions.
 */
export type SessionPage = { 
/**
 * Newest first.
 */
sessions: Array<Session>, 
/**
 * What to give as `before` for the next page; none on the last.
 */
next?: SessionId, };

/**
 * A session of a company.
 */
export type SessionRef = { 
/**
 * The company.
 */
company: CompanyRef, 
/**
 * The session.
 */
session_id: SessionId, };

/**
 * A session that ended.
 */
export type SessionStopResult = { 
/**
 * The session.
 */
session: Session, 
/**
 * Its jobs that were cancelled by this.
 */
cancelled: Array<Job>, 
/**
 * What became of their processes, all together.
 */
stopped: StopCounts, };

/**
 * The founder's settings, over all companies.
 */
export type Settings = { 
/**
 * Runs at once, 1 to 100.
 */
max_parallel_jobs: number, 
/**
 * A brief's limit where it names none; zero means none.
 */
brief_limit_usd: Money, 
/**
 * Whether the founder is told natively.
 */
notifications: boolean, 
/**
 * Which of them, and when.
 */
notify: Notify, 
/**
 * The key that opens Quick brief from anywhere (`CmdOrCtrl+Shift+Space`); empty means none.
 */
quick_shortcut: string, 
/**
 * How the window looks.
 */
theme: Theme, 
/**
 * The language of the window, the tray and notices (`en`, `de`); empty for the system's.
 */
language: string, 
/**
 * The size of text in the window, in percent: 80 to 200.
 */
text_percent: number, 
/**
 * Keys in place of the usual ones, by what they do (`palette`).
 */
shortcuts: { [key in string]: string }, 
/**
 * Speed of the practice engine: 1 is about eight seconds a brief, 10 is ten times as fast; 0.1 to 100.
 */
practice_pace: number, 
/**
 * How long a process may take to end when told to, in milliseconds; 0 to 60,000.
 */
stop_grace_ms: number, 
/**
 * Minutes a run may work, waits left out; zero means no limit.
 */
run_minutes: number, 
/**
 * Minutes a run may take to its first word; zero means no limit.
 */
run_first_output_minutes: number, 
/**
 * Minutes a run may be silent; zero means no limit.
 */
run_silence_minutes: number, 
/**
 * Model calls of the CEO in a run; zero means no limit.
 */
run_turns: number, 
/**
 * Megabytes a run may record; zero means no limit.
 */
run_output_mb: number, 
/**
 * How often a job whose run failed without effect, for a reason that passes, is tried again; 0 to 10.
 */
run_retries: number, 
/**
 * How much the daemon says in its log.
 */
log_level: LogLevel, 
/**
 * Where the Anthropic API is, in place of the provider's own address; empty means that one.
 */
anthropic_base_url: string, 
/**
 * Where the OpenAI-compatible API is (`http://127.0.0.1:11434/v1`); empty means OpenAI's own.
 */
openai_base_url: string, 
/**
 * The model of that API where a company names none.
 */
openai_model: string, 
/**
 * Programs of engines that are not found by themselves, or not the ones to use: path by engine (`claude-code`).
 */
engine_programs: { [key in string]: string }, 
/**
 * The command that starts the engine `acp:custom`; empty for none. It is split into words as a shell does.
 */
acp_command: string, 
/**
 * How engines that are programs pay for their calls, by engine; [`Pays::Auto`] where one is not named.
 */
engine_pays: { [key in string]: Pays }, 
/**
 * Minutes after which a question for leave to act is answered with no; zero means never.
 */
approval_minutes: number, 
/**
 * Whether commands and agents' programs are confined.
 */
sandbox: Sandbox, 
/**
 * Whether commands of confined agents may use the network.
 */
sandbox_network: boolean, 
/**
 * Folders that confined agents may read beside the system's and their company's.
 */
sandbox_read: Array<string>, 
/**
 * Whether the first-start steps are behind us.
 */
onboarded: boolean, };

/**
 * What a desktop is asked to bring up.
 */
export type Show = { "view": "window" } | { "view": "job", 
/**
 * Which.
 */
job_id: JobId, } | { "view": "follow_up", 
/**
 * Which job.
 */
job_id: JobId, } | { "view": "settings" } | { "view": "notices" } | { "view": "jobs" } | { "view": "quick" };

/**
 * Ask the attached desktop to bring something up.
 */
export type ShowResult = { 
/**
 * Whether a desktop was there to ask.
 */
shown: boolean, };

/**
 * A stretch of time in which an agent was at work: a lane's bar.
 */
export type Span = { 
/**
 * Unique in its job: a delegation's `span`, a tool's `call`, or the event of a model call.
 */
span: string, 
/**
 * What it was.
 */
kind: SpanKind, 
/**
 * Who was at work (role).
 */
agent: string, 
/**
 * The delegation around it.
 */
parent?: string, 
/**
 * What it was about.
 */
title: string, 
/**
 * When it began.
 */
started_at: Time, 
/**
 * When it ended; none while it goes on.
 */
finished_at?: Time, 
/**
 * Whether it went well, once it ended.
 */
ok: boolean, 
/**
 * What it cost.
 */
cost_usd: Money, 
/**
 * Spans right under it.
 */
children: number, };

/**
 * What a span stands for.
 */
export type SpanKind = "turn" | "tool" | "delegation";

/**
 * A page of spans, oldest first.
 */
export type SpanPage = { 
/**
 * The spans.
 */
spans: Array<Span>, 
/**
 * Spans in all.
 */
total: number, };

/**
 * Spending of a company against its limits.
 */
export type Spend = { 
/**
 * Spent today, in the founder's time zone.
 */
today_usd: Money, 
/**
 * The daily limit; zero means none.
 */
daily_limit_usd: Money, 
/**
 * Spent this month.
 */
month_usd: Money, 
/**
 * The monthly limit; zero means none.
 */
monthly_limit_usd: Money, 
/**
 * Spent on each of the last 14 days, oldest first, today last.
 */
days: Array<DaySpend>, };

/**
 * Where staged work is: architect, coder, reviewer, tester.
 */
export type Stages = { 
/**
 * The stage at hand; empty where there is none.
 */
current: string, 
/**
 * Stages that are done.
 */
completed: Array<string>, };

/**
 * What became of a job's processes.
 */
export type StopCounts = { 
/**
 * Processes that were ended.
 */
ended: number, 
/**
 * Of those, by force.
 */
forced: number, 
/**
 * Processes left: 0, or it says so.
 */
left: number, };

/**
 * What AICIB keeps on disk, in bytes.
 */
export type StorageReport = { 
/**
 * The home.
 */
home: string, 
/**
 * The database.
 */
database_bytes: number, 
/**
 * Copies of it.
 */
backups_bytes: number, 
/**
 * What runs left: spools, logs, conversations, earlier contents of files.
 */
runs_bytes: number, 
/**
 * What engines that are programs keep.
 */
engines_bytes: number, 
/**
 * The daemon's logs.
 */
logs_bytes: number, 
/**
 * Free on that disk; none where the system does not say.
 */
free_bytes?: number, 
/**
 * Jobs in the database.
 */
jobs: number, 
/**
 * Events in the database.
 */
events: number, };

/**
 * A subscription.
 */
export type Subscription = { 
/**
 * Its number on this connection.
 */
subscription: number, };

/**
 * Whether a program's version is one that we know.
 */
export type Support = "tested" | "untested" | "too_old";

/**
 * How the window looks.
 */
export type Theme = "system" | "light" | "dark";

/**
 * Milliseconds since 1970, UTC.
 */
export type Time = number;

/**
 * Tokens used.
 */
export type Tokens = { 
/**
 * Input, cached ones left out.
 */
input: number, 
/**
 * Output.
 */
output: number, 
/**
 * Input read from cache.
 */
cache_read: number, 
/**
 * Input written to cache.
 */
cache_write: number, };

/**
 * Whether an agent may do something.
 */
export type Verdict = "allow" | "ask" | "deny";

/**
 * What a run waits for.
 */
export type WaitReason = "rate_limit" | "provider" | "daemon" | "keychain" | "paused" | "slot" | "answer" | "quota";

/**
 * A run that is alive.
 */
export type WorkerHealth = { 
/**
 * The run.
 */
run_id: RunId, 
/**
 * Its job.
 */
job_id: JobId, 
/**
 * The worker's process, once it is started.
 */
pid?: number, 
/**
 * Processes under it, when last counted.
 */
children: number, 
/**
 * Memory of all of them together, in bytes.
 */
memory_bytes: number, 
/**
 * Processor time of all of them together, in milliseconds.
 */
cpu_ms: number, 
/**
 * When it was last heard of.
 */
heard_at: Time, 
/**
 * Whether it is connected to the daemon.
 */
connected: boolean, 
/**
 * Bytes of its spool that are written and not stored yet.
 */
lag_bytes: number, };

/** Every method: what goes in, what comes back. */
export interface Methods {
  "initialize": { params: InitializeParams; result: InitializeResult };
  "ping": { params: Empty; result: Pong };
  "daemon.status": { params: Empty; result: DaemonStatus };
  "daemon.health": { params: Empty; result: Health };
  "daemon.reload": { params: Empty; result: DaemonStatus };
  "daemon.log_level": { params: LogLevelParams; result: DaemonStatus };
  "daemon.restart": { params: Empty; result: Empty };
  "daemon.stop": { params: Empty; result: Empty };
  "company.create": { params: CompanyCreateParams; result: Company };
  "company.get": { params: CompanyRef; result: Company };
  "company.list": { params: Empty; result: CompanyList };
  "config.get": { params: ConfigGetParams; result: ConfigValue };
  "config.set": { params: ConfigSetParams; result: ConfigValue };
  "config.validate": { params: CompanyRef; result: ConfigReport };
  "agent.list": { params: CompanyRef; result: AgentList };
  "agent.get": { params: AgentRef; result: AgentDetail };
  "agent.add": { params: AgentAddParams; result: AgentDetail };
  "agent.remove": { params: AgentRef; result: AgentList };
  "agent.set": { params: AgentSetParams; result: AgentDetail };
  "agent.preview": { params: AgentPreviewParams; result: AgentPreview };
  "agent.save": { params: AgentSaveParams; result: AgentDetail };
  "session.start": { params: CompanyRef; result: Session };
  "session.stop": { params: CompanyRef; result: SessionStopResult };
  "session.list": { params: SessionListParams; result: SessionPage };
  "session.resume": { params: SessionRef; result: Session };
  "desk.get": { params: CompanyRef; result: Desk };
  "desk.subscribe": { params: CompanyRef; result: Desk };
  "job.submit": { params: JobSubmitParams; result: Job };
  "job.submit_list": { params: JobSubmitListParams; result: JobsStored };
  "job.follow_up": { params: JobFollowUpParams; result: Job };
  "job.cancel": { params: JobRef; result: JobCancelResult };
  "job.restart": { params: JobRestartParams; result: Job };
  "job.pause": { params: JobHoldParams; result: JobHoldResult };
  "job.resume": { params: JobHoldParams; result: JobHoldResult };
  "job.wait": { params: JobWaitParams; result: JobWaitResult };
  "job.prune": { params: JobPruneParams; result: JobPruneResult };
  "job.delete": { params: JobDeleteParams; result: JobPruneResult };
  "job.export": { params: JobExportParams; result: JobExportResult };
  "job.list": { params: JobListParams; result: JobPage };
  "job.get": { params: JobRef; result: JobDetail };
  "job.stats": { params: Empty; result: JobStats };
  "job.spans": { params: JobPageParams; result: SpanPage };
  "job.files": { params: JobPageParams; result: FilePage };
  "job.file_diff": { params: FileDiffParams; result: FileDiff };
  "question.list": { params: QuestionListParams; result: QuestionPage };
  "question.answer": { params: QuestionAnswerParams; result: Question };
  "permission.table": { params: CompanyRef; result: PermissionTable };
  "permission.set": { params: PermissionSetParams; result: PermissionTable };
  "rule.remove": { params: RuleRef; result: PermissionTable };
  "journal.list": { params: JournalListParams; result: JournalPage };
  "cost.report": { params: CostReportParams; result: CostReport };
  "event.list": { params: EventListParams; result: EventPage };
  "event.search": { params: EventSearchParams; result: EventHits };
  "event.subscribe": { params: EventSubscribeParams; result: Subscription };
  "job.raw": { params: JobRawParams; result: RawPage };
  "event.unsubscribe": { params: Subscription; result: Empty };
  "key.set": { params: KeySetParams; result: Key };
  "key.list": { params: Empty; result: KeyList };
  "key.remove": { params: KeyRef; result: Empty };
  "key.unlock": { params: KeyUnlockParams; result: KeyList };
  "settings.get": { params: Empty; result: Settings };
  "settings.set": { params: Settings; result: Settings };
  "engine.list": { params: Empty; result: EngineList };
  "engine.try": { params: EngineTryParams; result: EngineTrial };
  "storage.get": { params: Empty; result: StorageReport };
  "doctor.run": { params: Empty; result: DoctorReport };
  "desktop.attach": { params: Empty; result: Empty };
  "desktop.show": { params: Show; result: ShowResult };
  "notice.list": { params: NoticeListParams; result: NoticePage };
  "notice.seen": { params: NoticeSeenParams; result: NoticePage };
  "notice.report": { params: NoticeReportParams; result: Empty };
  "run.lease": { params: LeaseParams; result: Lease };
  "run.go_on": { params: GoOnParams; result: GoOn };
  "run.lease_return": { params: LeaseReturn; result: Empty };
}

/** Every message that expects no answer. */
export interface Notes {
  "desk.changed": DeskChange;
  "event.added": EventsAdded;
  "event.delta": Delta;
  "event.resync": Resync;
  "notice.present": Notice;
  "desktop.show": Show;
  "run.cancel": RunCancel;
  "run.answer": RunAnswer;
  "run.follow_up": RunFollowUp;
  "run.rules": RunRules;
  "run.hold": RunHold;
  "run.grew": RunGrew;
  "run.delta": Delta;
}

export type Topic = "company" | "team" | "jobs" | "keys" | "settings";

/** What a method changes, and so what a screen reads again after it. */
export const CHANGES: { readonly [M in keyof Methods]: readonly Topic[] } = {
  "initialize": [],
  "ping": [],
  "daemon.status": [],
  "daemon.health": [],
  "daemon.reload": [],
  "daemon.log_level": [],
  "daemon.restart": [],
  "daemon.stop": [],
  "company.create": ["company", "team"],
  "company.get": [],
  "company.list": [],
  "config.get": [],
  "config.set": ["company", "team"],
  "config.validate": [],
  "agent.list": [],
  "agent.get": [],
  "agent.add": ["team"],
  "agent.remove": ["team"],
  "agent.set": ["team"],
  "agent.preview": [],
  "agent.save": ["team"],
  "session.start": ["company", "team"],
  "session.stop": ["company", "team", "jobs"],
  "session.list": [],
  "session.resume": ["company", "team"],
  "desk.get": [],
  "desk.subscribe": [],
  "job.submit": ["jobs"],
  "job.submit_list": ["jobs"],
  "job.follow_up": ["jobs"],
  "job.cancel": ["jobs"],
  "job.restart": ["jobs"],
  "job.pause": ["jobs"],
  "job.resume": ["jobs"],
  "job.wait": [],
  "job.prune": ["jobs"],
  "job.delete": ["jobs"],
  "job.export": [],
  "job.list": [],
  "job.get": [],
  "job.stats": [],
  "job.spans": [],
  "job.files": [],
  "job.file_diff": [],
  "question.list": [],
  "question.answer": ["jobs"],
  "permission.table": [],
  "permission.set": ["company"],
  "rule.remove": ["company"],
  "journal.list": [],
  "cost.report": [],
  "event.list": [],
  "event.search": [],
  "event.subscribe": [],
  "job.raw": [],
  "event.unsubscribe": [],
  "key.set": ["keys", "company"],
  "key.list": [],
  "key.remove": ["keys", "company"],
  "key.unlock": ["keys", "company"],
  "settings.get": [],
  "settings.set": ["settings"],
  "engine.list": [],
  "engine.try": [],
  "storage.get": [],
  "doctor.run": [],
  "desktop.attach": [],
  "desktop.show": [],
  "notice.list": [],
  "notice.seen": [],
  "notice.report": [],
  "run.lease": [],
  "run.go_on": [],
  "run.lease_return": [],
};

/** Every code that an error can have. */
export const ERROR_CODES = [
  "request.bad",
  "request.too_large",
  "request.method_unknown",
  "request.unauthorized",
  "protocol.unsupported",
  "daemon.unreachable",
  "daemon.running",
  "daemon.overloaded",
  "daemon.stopping",
  "company.not_found",
  "company.exists",
  "company.folder",
  "config.invalid",
  "config.key_unknown",
  "agent.not_found",
  "agent.invalid",
  "agent.ceo_missing",
  "session.none",
  "session.active",
  "session.busy",
  "session.not_found",
  "question.not_found",
  "question.closed",
  "agent.exists",
  "job.not_found",
  "job.final",
  "job.not_final",
  "job.not_begun",
  "job.blocker_not_completed",
  "directive.invalid",
  "budget.daily_reached",
  "budget.monthly_reached",
  "budget.session_reached",
  "budget.agent_reached",
  "budget.brief_reached",
  "engine.unavailable",
  "engine.not_found",
  "engine.unsupported",
  "engine.login",
  "engine.failed",
  "sandbox.unavailable",
  "rule.not_found",
  "key.missing",
  "keychain.locked",
  "keychain.unavailable",
  "key.passphrase_wrong",
  "provider.auth",
  "provider.credit",
  "provider.quota",
  "provider.rate_limit",
  "provider.down",
  "provider.network",
  "provider.refused",
  "provider.protocol",
  "run.turns_reached",
  "run.time_reached",
  "run.no_output",
  "run.silent",
  "run.loop",
  "run.output_reached",
  "run.interrupted",
  "run.spawn_failed",
  "disk.full",
  "database.unusable",
  "database.locked",
  "database.read_only",
  "internal",
] as const;
