import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { AgentDetail, AgentPreview, AgentSetParams, CompanyRef } from '$lib/contract/types';

type Changes = Omit<AgentSetParams, 'company' | 'role'>;

/** An agent that is looked at: its file, and what it would be told. */
export class AgentStore {
  detail = $state.raw<AgentDetail>();
  preview = $state.raw<AgentPreview>();
  fault = $state.raw<Fault>();
  /** Why there is no preview of the text as it is. */
  previewFault = $state.raw<Fault>();
  saving = $state(false);
  readonly role: string;
  readonly #company: CompanyRef;
  #turn = 0;

  constructor(company: CompanyRef, role: string) {
    this.#company = company;
    this.role = role;
  }

  async open(): Promise<void> {
    try {
      this.detail = await backend().call('agent.get', { company: this.#company, role: this.role });
      this.fault = undefined;
    } catch (thrown) {
      this.fault = asFault(thrown);
    }
  }

  /** Rejects with a `Fault`. */
  async set(changes: Changes): Promise<void> {
    this.saving = true;
    try {
      this.detail = await backend().call('agent.set', { company: this.#company, role: this.role, ...changes });
    } catch (thrown) {
      throw asFault(thrown);
    } finally {
      this.saving = false;
    }
  }

  /** Writes the file. Rejects with a `Fault`: the text is then kept by whoever wrote it. */
  async save(text: string): Promise<void> {
    this.saving = true;
    try {
      this.detail = await backend().call('agent.save', { company: this.#company, role: this.role, text });
    } catch (thrown) {
      throw asFault(thrown);
    } finally {
      this.saving = false;
    }
  }

  /** What the agent would be told with this text as its file. The last text asked for is the one that counts. */
  async look(text: string): Promise<void> {
    const turn = ++this.#turn;
    try {
      const preview = await backend().call('agent.preview', { company: this.#company, role: this.role, text });
      if (turn !== this.#turn) return;
      this.preview = preview;
      this.previewFault = undefined;
    } catch (thrown) {
      if (turn === this.#turn) this.previewFault = asFault(thrown);
    }
  }
}
