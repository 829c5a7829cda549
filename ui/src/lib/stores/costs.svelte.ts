import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { CompanyId, CostBy, CostReport } from '$lib/contract/types';
import type { Range } from '$lib/state/costs';

/** What a company spent in a stretch of days: by day for the chart, and by what the table is of. */
export class CostsStore {
  days = $state.raw<CostReport>();
  table = $state.raw<CostReport>();
  fault = $state.raw<Fault>();
  loading = $state(false);
  #turn = 0;

  async open(company: CompanyId | undefined, by: CostBy, range: Range): Promise<void> {
    const turn = ++this.#turn;
    if (company === undefined) return;
    this.loading = true;
    const report = (what: CostBy) =>
      backend().call('cost.report', { company: { company_id: company }, by: what, ...range });
    try {
      const [days, table] = await Promise.all([report('day'), report(by)]);
      if (turn !== this.#turn) return;
      this.days = days;
      this.table = table;
      this.fault = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.fault = asFault(thrown);
    } finally {
      if (turn === this.#turn) this.loading = false;
    }
  }
}
