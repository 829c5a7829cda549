import { ERROR_CODES, type Error as Fault } from '$lib/contract/types';
import { language } from '$lib/locale';
import { m } from '$lib/paraglide/messages';

/*
 * What the daemon says of an error is English: it is told with names, numbers and commands, in the log and in the terminal
 * alike. In another language the page says first, in that, what it is about.
 */
const TITLES: Record<(typeof ERROR_CODES)[number], () => string> = {
  'request.bad': m.fault_request_bad,
  'request.too_large': m.fault_request_too_large,
  'request.method_unknown': m.fault_request_method_unknown,
  'request.unauthorized': m.fault_request_unauthorized,
  'protocol.unsupported': m.fault_protocol_unsupported,
  'daemon.unreachable': m.fault_daemon_unreachable,
  'daemon.running': m.fault_daemon_running,
  'daemon.overloaded': m.fault_daemon_overloaded,
  'daemon.stopping': m.fault_daemon_stopping,
  'company.not_found': m.fault_company_not_found,
  'company.exists': m.fault_company_exists,
  'company.folder': m.fault_company_folder,
  'config.invalid': m.fault_config_invalid,
  'config.key_unknown': m.fault_config_key_unknown,
  'agent.not_found': m.fault_agent_not_found,
  'agent.invalid': m.fault_agent_invalid,
  'agent.ceo_missing': m.fault_agent_ceo_missing,
  'agent.exists': m.fault_agent_exists,
  'session.none': m.fault_session_none,
  'session.active': m.fault_session_active,
  'session.busy': m.fault_session_busy,
  'session.not_found': m.fault_session_not_found,
  'question.not_found': m.fault_question_not_found,
  'question.closed': m.fault_question_closed,
  'job.not_found': m.fault_job_not_found,
  'job.final': m.fault_job_final,
  'job.not_final': m.fault_job_not_final,
  'job.not_begun': m.fault_job_not_begun,
  'job.blocker_not_completed': m.fault_job_blocker_not_completed,
  'directive.invalid': m.fault_directive_invalid,
  'budget.daily_reached': m.fault_budget_daily_reached,
  'budget.monthly_reached': m.fault_budget_monthly_reached,
  'budget.session_reached': m.fault_budget_session_reached,
  'budget.agent_reached': m.fault_budget_agent_reached,
  'budget.brief_reached': m.fault_budget_brief_reached,
  'engine.unavailable': m.fault_engine_unavailable,
  'engine.not_found': m.fault_engine_not_found,
  'engine.unsupported': m.fault_engine_unsupported,
  'engine.login': m.fault_engine_login,
  'engine.failed': m.fault_engine_failed,
  'sandbox.unavailable': m.fault_sandbox_unavailable,
  'rule.not_found': m.fault_rule_not_found,
  'key.missing': m.fault_key_missing,
  'keychain.locked': m.fault_keychain_locked,
  'keychain.unavailable': m.fault_keychain_unavailable,
  'key.passphrase_wrong': m.fault_key_passphrase_wrong,
  'provider.auth': m.fault_provider_auth,
  'provider.credit': m.fault_provider_credit,
  'provider.quota': m.fault_provider_quota,
  'provider.rate_limit': m.fault_provider_rate_limit,
  'provider.down': m.fault_provider_down,
  'provider.network': m.fault_provider_network,
  'provider.refused': m.fault_provider_refused,
  'provider.protocol': m.fault_provider_protocol,
  'run.turns_reached': m.fault_run_turns_reached,
  'run.time_reached': m.fault_run_time_reached,
  'run.no_output': m.fault_run_no_output,
  'run.silent': m.fault_run_silent,
  'run.loop': m.fault_run_loop,
  'run.output_reached': m.fault_run_output_reached,
  'run.interrupted': m.fault_run_interrupted,
  'run.spawn_failed': m.fault_run_spawn_failed,
  'disk.full': m.fault_disk_full,
  'database.unusable': m.fault_database_unusable,
  'database.locked': m.fault_database_locked,
  'database.read_only': m.fault_database_read_only,
  internal: m.fault_internal,
};

function isCode(code: string): code is keyof typeof TITLES {
  return Object.hasOwn(TITLES, code);
}

/** What an error is about, in the page's language; empty where its own words are in that already. */
export function titleOf(code: string): string {
  return language !== 'en' && isCode(code) ? TITLES[code]() : '';
}

/** An error in a line, for beside a field. */
export function inLine(fault: Fault): string {
  const title = titleOf(fault.code);
  return [title && `${title}:`, fault.message, fault.fix].filter(Boolean).join(' ');
}
