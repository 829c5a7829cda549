import type { Fault } from '$lib/backend/backend';
import { titleOf } from '$lib/text/faults';

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
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  say(text: string, tone: Flash['tone'] = 'plain', action?: FlashAction): void {
    // What can be acted on is to be read and reached first.
    const stays = tone === 'bad' || action ? BAD_STAYS_MS : STAYS_MS;
    this.#add({ id: this.#next++, tone, text, fix: '', action }, stays);
  }

  fault(fault: Fault): void {
    const title = titleOf(fault.code);
    const words = title
      ? { text: title, fix: `${fault.message} ${fault.fix}`.trim() }
      : { text: fault.message, fix: fault.fix };
    this.#add({ id: this.#next++, tone: 'bad', ...words }, BAD_STAYS_MS);
  }

  drop(id: number): void {
    this.stay(id);
    this.list = this.list.filter((flash) => flash.id !== id);
  }

  /** Keeps it for as long as somebody is on it. */
  stay(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** Lets it go again, some time after they left it. */
  leave(id: number, stays = STAYS_MS): void {
    this.stay(id);
    this.#timers.set(
      id,
      setTimeout(() => this.drop(id), stays),
    );
  }

  #add(flash: Flash, stays: number): void {
    for (const old of this.list.slice(0, -(MAX - 1))) this.stay(old.id);
    this.list = [...this.list, flash].slice(-MAX);
    this.leave(flash.id, stays);
  }
}

export const flashes = new Flashes();
