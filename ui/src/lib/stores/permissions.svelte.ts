import { SvelteSet } from 'svelte/reactivity';
import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Act, CompanyId, PermissionTable, Rule, RuleId, Verdict } from '$lib/contract/types';

/** What the agents of a company may do, and the founder's rules on it. */
export class PermissionsStore {
  value = $state.raw<PermissionTable>();
  fault = $state.raw<Fault>();
  /** Why the last change was not made. */
  refused = $state.raw<Fault>();
  /** Cells and rules that are being changed. */
  readonly changing = new SvelteSet<string>();
  #company: CompanyId | undefined;
  #turn = 0;

  async open(company: CompanyId | undefined): Promise<void> {
    if (company !== this.#company) this.value = undefined;
    this.#company = company;
    if (company === undefined) return;
    const turn = ++this.#turn;
    try {
      const table = await backend().call('permission.table', { company_id: company });
      if (turn !== this.#turn) return;
      this.value = table;
      this.fault = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    }
  }

  /** Makes a rule, or with no verdict takes it away. Of everybody where no agent is named. */
  async set(act: Act, agent: string | undefined, verdict: Verdict | undefined): Promise<void> {
    const company = this.#company;
    if (company === undefined) return;
    await this.#change(`${agent ?? ''}/${act}`, () =>
      backend().call('permission.set', {
        company: { company_id: company },
        act,
        origin: 'desk',
        ...(agent === undefined ? {} : { agent }),
        ...(verdict === undefined ? {} : { verdict }),
      }),
    );
  }

  /** Makes a rule about something exact. Rejects with a `Fault`: what was typed is kept by whoever typed it. */
  async add(act: Act, subject: string, agent: string | undefined, verdict: Verdict): Promise<void> {
    const company = this.#company;
    if (company === undefined) return;
    const turn = ++this.#turn;
    try {
      const table = await backend().call('permission.set', {
        company: { company_id: company },
        act,
        subject,
        verdict,
        origin: 'desk',
        ...(agent === undefined ? {} : { agent }),
      });
      this.refused = undefined;
      if (turn === this.#turn) this.value = table;
      else void this.open(company);
    } catch (thrown) {
      throw asFault(thrown);
    }
  }

  async remove(rule: RuleId): Promise<void> {
    await this.#change(`rule/${rule}`, () => backend().call('rule.remove', { rule_id: rule }));
  }

  async #change(key: string, change: () => Promise<PermissionTable>): Promise<void> {
    if (this.changing.has(key)) return;
    this.changing.add(key);
    const turn = ++this.#turn;
    try {
      const table = await change();
      this.refused = undefined;
      // Two changes at once: the later answer has both.
      if (turn === this.#turn) this.value = table;
      else void this.open(this.#company);
    } catch (thrown) {
      this.refused = asFault(thrown);
      if (this.refused.code === 'rule.not_found') void this.open(this.#company);
    } finally {
      this.changing.delete(key);
    }
  }
}

/** Whether a rule is about all acts of a kind, in all jobs: those are in the table. */
export function isGeneral(rule: Rule): boolean {
  return rule.subject === undefined && rule.job_id === undefined;
}

/** The rule that a cell of the table stands for; none where autonomy, or a rule for everybody, says what holds. */
export function ruleOf(rules: readonly Rule[], act: Act, agent: string | undefined): Rule | undefined {
  return rules.find((rule) => isGeneral(rule) && rule.act === act && rule.agent === agent);
}
