import type { Fault } from '$lib/backend/backend';

export interface Flash {
  readonly id: number;
  readonly tone: 'plain' | 'bad';
  readonly text: string;
  readonly fix: string;
  /** What can be done about it at once. */
  readonly action?: FlashAction | undefined;
}

export interface FlashAction {
  readonly label: string;
  readonly run: () => void;
}

const MAX = 3;
const STAYS_MS = 5000;
const BAD_STAYS_MS = 12_000;

/** Short words at the foot of the window about what an action did. */
class Flashes {
  list = $state.raw<readonly Flash[]>([]);
  #next = 1;

  say(text: string, tone: Flash['tone'] = 'plain', action?: FlashAction): void {
    // What can be acted on is to be read and reached first.
    const stays = tone === 'bad' || action ? BAD_STAYS_MS : STAYS_MS;
    this.#add({ id: this.#next++, tone, text, fix: '', action }, stays);
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
