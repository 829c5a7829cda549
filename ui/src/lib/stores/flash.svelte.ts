import type { Fault } from '$lib/backend/backend';

export interface Flash {
  readonly id: number;
  readonly tone: 'plain' | 'bad';
  readonly text: string;
  readonly fix: string;
}

const MAX = 3;
const STAYS_MS = 5000;
const BAD_STAYS_MS = 12_000;

/** Short words at the foot of the window about what an action did. */
class Flashes {
  list = $state.raw<readonly Flash[]>([]);
  #next = 1;

  say(text: string, tone: Flash['tone'] = 'plain'): void {
    this.#add({ id: this.#next++, tone, text, fix: '' }, tone === 'bad' ? BAD_STAYS_MS : STAYS_MS);
  }

  fault(fault: Fault): void {
    this.#add({ id: this.#next++, tone: 'bad', text: fault.message, fix: fault.fix }, BAD_STAYS_MS);
  }

  drop(id: number): void {
    this.list = this.list.filter((flash) => flash.id !== id);
  }

  #add(flash: Flash, stays: number): void {
    this.list = [...this.list, flash].slice(-MAX);
    setTimeout(() => this.drop(flash.id), stays);
  }
}

export const flashes = new Flashes();
