import { backend, type Fault } from '$lib/backend/backend';
import { asFault } from '$lib/backend/fault';
import type { DeskChange, NoticeId, NoticePage, NoticeRow } from '$lib/contract/types';
import { isFinal } from '$lib/text/names';

const PAGE = 50;
const MAX_ROWS = 10_000;
/** Notices of other companies, and of quiet hours, come without a word: they are looked for now and then. */
const AGAIN_MS = 30_000;
/** A notice is written a moment after what it is about. */
const SOON_MS = 400;

/** The founder's notices, newest first, and how many of them nobody has looked at. */
class NoticesStore {
  rows = $state.raw<readonly NoticeRow[]>([]);
  unseen = $state(0);
  fault = $state.raw<Fault>();
  loaded = $state(false);
  loading = $state(false);
  more = $state(false);
  #next: NoticeId | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;

  /** Keeps up while the window is there to be seen. */
  start(): () => void {
    const end = backend().on('desk.changed', (change) => this.#change(change));
    const timer = setInterval(() => {
      if (!document.hidden) void this.refresh();
    }, AGAIN_MS);
    const shown = () => {
      if (!document.hidden) void this.refresh();
    };
    document.addEventListener('visibilitychange', shown);
    return () => {
      end();
      clearInterval(timer);
      clearTimeout(this.#soon);
      document.removeEventListener('visibilitychange', shown);
    };
  }

  /** Reads the newest ones; what was read before stays. */
  async refresh(): Promise<void> {
    try {
      const page = await backend().call('notice.list', { limit: PAGE });
      this.#take(page);
      this.fault = undefined;
    } catch (thrown) {
      this.fault = asFault(thrown);
    } finally {
      this.loaded = true;
    }
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading || this.#next === undefined || this.rows.length >= MAX_ROWS) return;
    this.loading = true;
    try {
      const page = await backend().call('notice.list', { limit: PAGE, before: this.#next });
      const last = this.rows.at(-1)?.notice_id ?? Infinity;
      this.rows = [...this.rows, ...page.notices.filter((row) => row.notice_id < last)];
      this.unseen = page.unseen;
      this.#next = page.next;
      this.more = page.next !== undefined;
      this.fault = undefined;
    } catch (thrown) {
      this.fault = asFault(thrown);
    } finally {
      this.loading = false;
    }
  }

  /** The founder has looked at all that are here. Rejects with a `Fault`. */
  async see(): Promise<void> {
    const newest = this.rows[0]?.notice_id;
    if (newest === undefined || this.unseen === 0) return;
    try {
      const page = await backend().call('notice.seen', { up_to: newest });
      this.rows = this.rows.map((row) => (row.notice_id <= newest && !row.seen ? { ...row, seen: true } : row));
      this.#take(page);
    } catch (thrown) {
      throw asFault(thrown);
    }
  }

  #take(page: NoticePage): void {
    const last = page.notices.at(-1)?.notice_id;
    const older = last === undefined || page.next === undefined ? [] : this.rows.filter((row) => row.notice_id < last);
    // Rows that were read before lie below: their end is where the next page begins.
    const joined = older.length > 0 && this.rows.some((row) => row.notice_id === last);
    this.rows = joined ? [...page.notices, ...older] : page.notices;
    this.unseen = page.unseen;
    if (joined) return;
    this.#next = page.next;
    this.more = page.next !== undefined;
  }

  #change(change: DeskChange): void {
    if (document.hidden || (change.questions === undefined && !change.jobs.some((job) => isFinal(job.state)))) return;
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => void this.refresh(), SOON_MS);
  }
}

export const notices = new NoticesStore();
