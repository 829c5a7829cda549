import type { Agent } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';

/** An agent with those who answer to it. */
export interface Branch {
  readonly agent: Agent;
  readonly reports: readonly Branch[];
}

export interface Org {
  readonly ceo: Branch | undefined;
  /** Who answers to somebody that is not there, or to each other in a circle: shown, and told of. */
  readonly loose: readonly Branch[];
}

export const CEO = 'ceo';

/** Heads before those who are switched off, otherwise in the order of the team. */
function ranked(agents: readonly Agent[]): Agent[] {
  return [...agents].sort((a, b) => Number(b.enabled) - Number(a.enabled));
}

/** Who answers to whom, whatever the files say: each agent is in it once. */
export function toOrg(team: readonly Agent[]): Org {
  const placed = new Set<string>();
  const under = new Map<string, Agent[]>();
  const roles = new Set(team.map((agent) => agent.role));
  for (const agent of team) {
    // Who names no head answers to the CEO.
    const head = agent.reports_to === undefined || agent.reports_to === '' ? CEO : agent.reports_to;
    if (agent.role !== CEO) under.set(head, [...(under.get(head) ?? []), agent]);
  }
  const branch = (agent: Agent): Branch => {
    placed.add(agent.role);
    const reports: Branch[] = [];
    for (const own of ranked(under.get(agent.role) ?? [])) if (!placed.has(own.role)) reports.push(branch(own));
    return { agent, reports };
  };
  const first = team.find((agent) => agent.role === CEO);
  const ceo = first ? branch(first) : undefined;
  const loose: Branch[] = [];
  const missing = (agent: Agent) => !roles.has(agent.reports_to ?? CEO);
  // Those whose head is missing come first: the others of a circle are then below one of them.
  for (const agent of [...team.filter(missing), ...team]) if (!placed.has(agent.role)) loose.push(branch(agent));
  return { ceo, loose };
}

/** Whom the founder can brief: the CEO, and the heads that are on the team. */
export function briefable(team: readonly Agent[]): Agent[] {
  const fit = (agent: Agent) => agent.enabled && agent.problem === undefined;
  const isHead = (agent: Agent) => agent.role !== CEO && (agent.reports_to ?? CEO) === CEO;
  return [...team.filter((agent) => agent.role === CEO), ...team.filter((agent) => isHead(agent) && fit(agent))];
}

/** "3 of 8 are at work, 1 is off". */
export function teamLine(team: readonly Agent[]): string {
  if (team.length === 0) return m.company_nobody_yet();
  const on = team.filter((agent) => agent.enabled);
  const working = on.filter((agent) => agent.state === 'working').length;
  const off = team.length - on.length;
  const broken = team.filter((agent) => agent.problem !== undefined).length;
  return [
    working > 0 ? m.company_at_work({ working, on: on.length }) : m.company_none_at_work({ on: on.length }),
    off > 0 ? m.company_off_count({ n: off }) : '',
    broken > 0 ? m.company_broken_count({ n: broken }) : '',
  ]
    .filter(Boolean)
    .join(' · ');
}
