import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { Company, CompanyId, CompanyRef, Desk, DeskChange } from '$lib/contract/types';
import { applyDeskChange } from '$lib/state/desk-reduce';

/** Changes that came while a Desk was being read; more than this, and it is read again. */
const MAX_PENDING = 500;

/** The company at hand, live. */
class DeskStore {
  value = $state.raw<Desk>();
  fault = $state.raw<Fault>();
  companies = $state.raw<readonly Company[]>([]);
  /** Whether the daemon has said at least once what there is. */
  loaded = $state(false);
  #turn = 0;
  #pending: DeskChange[] | undefined;
  #reloading = false;

  listen(): () => void {
    const ends = [
      backend().on('desk.changed', (change) => this.#change(change)),
      backend().on('event.resync', ({ subscription }) => {
        if (subscription === undefined) void this.reload();
      }),
    ];
    return () => ends.forEach((end) => end());
  }

  get company(): CompanyRef {
    const id = this.value?.company.company_id;
    return id === undefined ? {} : { company_id: id };
  }

  get companyId(): CompanyId | undefined {
    return this.value?.company.company_id;
  }

  async loadCompanies(): Promise<void> {
    try {
      this.companies = (await backend().call('company.list', {})).companies;
    } catch (thrown) {
      this.fault = asFault(thrown);
    }
  }

  /** Brings a company up, and hears of its changes from then on. With an empty ref: the one used last. */
  async open(ref: CompanyRef): Promise<void> {
    const turn = ++this.#turn;
    this.#pending = [];
    try {
      const desk = await backend().call('desk.subscribe', ref);
      if (turn !== this.#turn) return;
      const pending = this.#pending;
      this.#pending = undefined;
      this.fault = undefined;
      this.value = desk;
      for (const change of pending) this.#change(change);
    } catch (thrown) {
      if (turn !== this.#turn) return;
      this.#pending = undefined;
      const fault = asFault(thrown);
      // No company yet is not a fault: it is where everybody starts.
      if (fault.code === 'company.not_found' && ref.company_id === undefined && ref.dir === undefined) {
        this.fault = undefined;
        this.value = undefined;
      } else {
        this.fault = fault;
      }
    } finally {
      if (turn === this.#turn) this.loaded = true;
    }
  }

  /** All work was put on hold, or goes on: said by the answer to that, before the Desk is read again. */
  holds(held: boolean): void {
    if (this.value && this.value.held !== held) this.value = { ...this.value, held };
    void this.reload();
  }

  /** Reads the Desk again; several wishes at once are one reading. */
  async reload(): Promise<void> {
    if (this.#reloading) return;
    this.#reloading = true;
    await Promise.resolve();
    this.#reloading = false;
    await this.open(this.company);
  }

  #change(change: DeskChange): void {
    if (this.#pending) {
      this.#pending.push(change);
      if (this.#pending.length > MAX_PENDING) void this.reload();
      return;
    }
    if (!this.value) return;
    const step = applyDeskChange(this.value, change);
    this.value = step.desk;
    if (step.reload) void this.reload();
  }
}

export const desk = new DeskStore();
