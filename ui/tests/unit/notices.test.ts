import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import CompanySwitcher from '$lib/components/CompanySwitcher.svelte';
import KeySettings from '$lib/components/KeySettings.svelte';
import KeysOverview from '$lib/components/KeysOverview.svelte';
import Later from '$lib/components/Later.svelte';
import Licences from '$lib/components/Licences.svelte';
import LoginSetting from '$lib/components/LoginSetting.svelte';
import LookSettings from '$lib/components/LookSettings.svelte';
import NotifySettings from '$lib/components/NotifySettings.svelte';
import Sidebar from '$lib/components/Sidebar.svelte';
import Storage from '$lib/components/Storage.svelte';
import { backend } from '$lib/backend/backend';
import type { NoticeRow, Settings } from '$lib/contract/types';
import licences from '$lib/licences.json';
import { companies, openCompanyAt } from '$lib/stores/companies.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { link } from '$lib/stores/link.svelte';
import { notices } from '$lib/stores/notices.svelte';
import { router } from '$lib/stores/route.svelte';
import { followTextSize, settings } from '$lib/stores/settings.svelte';
import { shortcuts } from '$lib/stores/shortcuts.svelte';
import { fateOf } from '$lib/text/notices';
import lock from '../../package-lock.json';
import Notices from '../../src/screens/Notices.svelte';
import { busyDesk, company, manyNotices, other, questions, settings as usual } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text } from './page';
import { withSizes } from './sizes';

let mounted: Record<string, unknown>[] = [];

function show<P extends Record<string, unknown>>(what: Component<P>, props: P): void {
  mounted.push(mount(what, { target: document.body, props }));
  flushSync();
}

withSizes();

beforeEach(() => {
  desk.value = busyDesk;
  desk.companies = [company, other];
  desk.loaded = true;
  link.generation = 1;
  settings.value = usual;
  notices.rows = [];
  notices.unseen = 0;
  notices.loaded = false;
  notices.fault = undefined;
  router.go({ screen: 'notices' });
});

afterEach(async () => {
  for (const one of mounted) await unmount(one);
  mounted = [];
  document.body.replaceChildren();
  vi.useRealTimers();
});

/** A daemon with notices. */
function told(rows: NoticeRow[]) {
  let all = rows;
  const page = (before = Infinity, limit = 50) => {
    const below = all.filter((row) => row.notice_id < before);
    const some = below.slice(0, limit);
    const last = some.at(-1);
    const unseen = all.filter((row) => !row.seen).length;
    return { notices: some, unseen, ...(below.length > limit && last ? { next: last.notice_id } : {}) };
  };
  return {
    'notice.list': ({ before, limit }: { before?: number; limit?: number }) => page(before, limit),
    'notice.seen': ({ up_to }: { up_to: number }) => {
      all = all.map((row) => (row.notice_id <= up_to ? { ...row, seen: true } : row));
      return page();
    },
    add: (row: NoticeRow) => (all = [row, ...all]),
  };
}

describe('notices', () => {
  it('are listed by day with what became of each, and lead to their job', async () => {
    const { add: _, ...answers } = told(manyNotices(20, 'busy'));
    const { of } = fakeBackend(answers);
    show(Notices, {});
    await settled();
    const rows = [...document.querySelectorAll<HTMLElement>('[data-testid=notice-row]')];
    expect(rows).toHaveLength(20);
    expect(of('notice.list')).toHaveLength(1);
    const headings = [...document.querySelectorAll('.day')].map((row) => row.textContent ?? '');
    expect(headings[0]).toMatch(/^Today/);
    const counted = headings.map((words) => Number(/(\d+) notices?$/.exec(words)?.[1]));
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(20);
    for (const words of [
      'You opened it',
      'quiet hours',
      'together with others',
      'off in Settings',
      'looking at the job',
    ])
      expect(text()).toContain(words);
    expect(text()).toContain('Could not be shown: Nobody shows notifications on this session bus');
    const list = part('[data-testid=notice-list]');
    list.focus();
    press(list, 'ArrowDown');
    press(list, 'Enter');
    expect(router.route).toEqual({ screen: 'job', jobId: 211 });
  });

  it('are seen by a word, and by being looked at for a while; new ones stay marked meanwhile', async () => {
    vi.useFakeTimers();
    const { add: _, ...answers } = told(manyNotices(6, 'busy'));
    const { of } = fakeBackend(answers);
    show(Notices, {});
    await vi.advanceTimersByTimeAsync(10);
    await settled();
    expect(text('[role=status]')).toBe('4 new ones');
    await vi.advanceTimersByTimeAsync(2500);
    await settled();
    expect(of('notice.seen').map((call) => call.params)).toEqual([{ up_to: 6 }]);
    expect(notices.unseen).toBe(0);
    expect(document.querySelectorAll('.row.fresh')).toHaveLength(4);
    expect(document.querySelector('[data-testid=notices-seen]')).toBeNull();
  });

  it('of one kind are found among many', async () => {
    const { add: _, ...answers } = told(manyNotices(200, 'busy'));
    fakeBackend(answers);
    show(Notices, {});
    await settled();
    part<HTMLInputElement>('input[value=question]').click();
    await settled();
    await settled();
    const rows = [...document.querySelectorAll<HTMLElement>('[data-testid=notice-row]')];
    expect(rows.length).toBeGreaterThanOrEqual(30);
    expect(rows.every((row) => row.dataset.kind === 'question')).toBe(true);
  });

  it('of a kind that there is none of say so once all were looked through, with a way back', async () => {
    const { add: _, ...answers } = told(manyNotices(120, 'busy').filter((row) => row.kind !== 'approval'));
    fakeBackend(answers);
    show(Notices, {});
    await settled();
    part<HTMLInputElement>('input[value=approval]').click();
    flushSync();
    expect(text()).not.toContain('None of this kind.');
    for (let i = 0; i < 4; i += 1) await settled();
    expect(text()).toContain('None of this kind.');
    button('Show all notices').click();
    await settled();
    expect(document.querySelectorAll('[data-testid=notice-row]').length).toBeGreaterThan(30);
  });

  it('are not asked for over and over where the daemon fails', async () => {
    const { add: _, ...answers } = told(manyNotices(200, 'busy'));
    let broken = false;
    const { of } = fakeBackend({
      ...answers,
      'notice.list': (asked: { before?: number; limit?: number }) => {
        if (broken) throw refusal;
        return answers['notice.list'](asked);
      },
    });
    show(Notices, {});
    await settled();
    broken = true;
    part<HTMLInputElement>('input[value=question]').click();
    for (let i = 0; i < 5; i += 1) await settled();
    expect(of('notice.list')).toHaveLength(2);
    expect(text('.problem')).toContain(refusal.message);
  });

  it('keep the keyboard where it is when one comes above it', async () => {
    const { add, ...answers } = told(manyNotices(10, 'busy'));
    fakeBackend(answers);
    show(Notices, {});
    await settled();
    const list = part('[data-testid=notice-list]');
    list.focus();
    press(list, 'ArrowDown');
    const before = text('.row.on');
    add({ ...(manyNotices(1, 'busy')[0] as NoticeRow), notice_id: 11, title: 'The newest' });
    await notices.refresh();
    await settled();
    expect(text('[data-testid=notice-list]')).toContain('The newest');
    expect(text('.row.on')).toBe(before);
  });

  it('that the system does not take say so, and what to do', async () => {
    const { add: _, ...answers } = told(manyNotices(3, 'mute'));
    fakeBackend(answers);
    show(Notices, {});
    await settled();
    expect(text('.problem')).toContain('The system does not show our notifications.');
    button('Doctor').click();
    expect(router.route).toEqual({ screen: 'settings', section: 'doctor' });
  });

  it('are counted at the bell as they come, and nothing is asked for while the window is hidden', async () => {
    vi.useFakeTimers();
    const daemon = told(manyNotices(5, 'busy'));
    const { add, ...answers } = daemon;
    const { handlers, of } = fakeBackend({
      ...answers,
      'question.list': () => ({ questions: [] }),
      'job.list': () => ({ jobs: [] }),
      'company.list': () => ({ companies: [company, other] }),
    });
    const end = notices.start();
    show(Sidebar, { oncreate: () => undefined, onopen: () => undefined });
    await notices.refresh();
    await settled();
    expect(text('[data-testid=notices-unseen]')).toContain('4');
    add({ ...(manyNotices(1, 'busy')[0] as NoticeRow), notice_id: 6, seen: false });
    const change = { seq: 9, company_id: 1, team: [], reload: false };
    handlers.deliver('desk.changed', { ...change, jobs: [{ ...busyDesk.finished[0], seq: 9 }] });
    await vi.advanceTimersByTimeAsync(600);
    await settled();
    expect(text('[data-testid=notices-unseen]')).toContain('5');
    expect(notices.rows.map((row) => row.notice_id)).toEqual([6, 5, 4, 3, 2, 1]);
    const before = of('notice.list').length;
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    handlers.deliver('desk.changed', { ...change, jobs: [{ ...busyDesk.finished[0], seq: 10 }] });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(of('notice.list')).toHaveLength(before);
    hidden.mockReturnValue(false);
    document.dispatchEvent(new Event('visibilitychange'));
    await settled();
    expect(of('notice.list')).toHaveLength(before + 1);
    hidden.mockRestore();
    end();
  });

  it('keep older pages in place when new ones come', async () => {
    const { add, ...answers } = told(manyNotices(120, 'busy'));
    fakeBackend(answers);
    await notices.refresh();
    await notices.loadMore();
    expect(notices.rows).toHaveLength(100);
    add({ ...(manyNotices(1, 'busy')[0] as NoticeRow), notice_id: 121 });
    await notices.refresh();
    expect(notices.rows).toHaveLength(101);
    await notices.loadMore();
    expect(notices.rows).toHaveLength(121);
    expect(new Set(notices.rows.map((row) => row.notice_id)).size).toBe(121);
  });

  it('have words for every fate', () => {
    const [row] = manyNotices(1, 'busy') as [NoticeRow];
    const fates = ['shown', 'seen', 'off', 'quiet', 'grouped', 'failed', 'opened', undefined] as const;
    const words = fates.map((delivery) => {
      const { delivery: _, ...rest } = row;
      return fateOf(delivery ? { ...rest, delivery } : rest).words;
    });
    expect(new Set(words).size).toBe(fates.length);
  });
});

describe('companies', () => {
  const answers = {
    'question.list': () => ({ questions: questions.map((row) => ({ ...row, company_id: 2 })) }),
    'job.list': () => ({ jobs: [] }),
    'company.list': () => ({ companies: [company, other] }),
    'desk.subscribe': () => ({ ...busyDesk, company: other }),
  };

  it('say how each of them stands, and are switched with the keyboard', async () => {
    const { of } = fakeBackend(answers);
    let closed = 0;
    show(CompanySwitcher, { doings: [{ label: 'New company…', run: () => undefined }], onclose: () => (closed += 1) });
    await settled();
    const moods = [...document.querySelectorAll<HTMLElement>('[data-testid=company-row]')].map(
      (row) => row.dataset.mood,
    );
    expect(moods).toEqual(['working', 'waits']);
    expect(text('[data-company-id="2"]')).toContain('2 questions for you');
    expect(of('question.list')[0]?.params).toEqual({ open: true, limit: 500 });
    press(part('[role=listbox]'), 'ArrowDown');
    press(part('[role=listbox]'), 'Enter');
    await settled();
    expect(closed).toBe(1);
    expect(of('desk.subscribe')[0]?.params).toEqual({ company_id: 2 });
    expect(companies.elsewhere).toBe(0);
  });

  it('with a problem say that first', () => {
    fakeBackend(answers);
    const broken = { ...other, problem: { ...refusal, kind: 'config' as const } };
    expect(companies.standing(broken)).toEqual({
      mood: 'problem',
      facts: [{ mood: 'problem', words: refusal.message }],
    });
  });

  it('are opened by their place in the list', async () => {
    const { of } = fakeBackend(answers);
    openCompanyAt(5);
    openCompanyAt(0);
    expect(of('desk.subscribe')).toHaveLength(0);
    openCompanyAt(1);
    await settled();
    expect(of('desk.subscribe')).toHaveLength(1);
  });
});

describe('settings', () => {
  it('of notices are by kind, with quiet hours that say what they mean', () => {
    fakeBackend({});
    const saved: Partial<Settings>[] = [];
    const value = { ...usual, notify: { ...usual.notify, quiet_from: '22:00', quiet_to: '07:00' } };
    show(NotifySettings, { value, save: (patch) => saved.push(patch) });
    expect(text()).toContain('from 22:00 to 07:00 the next morning');
    part('#notify-done').click();
    expect(saved.pop()?.notify).toMatchObject({ done: false, failed: true, quiet_from: '22:00' });
    const from = part<HTMLInputElement>('[data-testid=quiet-from]');
    from.value = '23:30';
    from.dispatchEvent(new Event('change', { bubbles: true }));
    expect(saved.pop()?.notify?.quiet_from).toBe('23:30');
    part('#notify-quiet').click();
    expect(saved.pop()?.notify).toMatchObject({ quiet_from: '', quiet_to: '' });
  });

  it('take keys, tell who has them, and hand them over', async () => {
    fakeBackend({});
    const saved: Partial<Settings>[] = [];
    show(KeySettings, { value: usual, save: (patch) => saved.push(patch) });
    const row = part('[data-shortcut=desk]');
    const field = part('#key-desk');
    field.click();
    flushSync();
    press(field, 'k', { ctrlKey: true, code: 'KeyK' });
    expect(saved).toHaveLength(0);
    expect(text('[role=alert]', row)).toContain('“Search and commands” has these keys.');
    part('[data-testid=key-take]', row).click();
    expect(saved.pop()).toEqual({ shortcuts: { desk: 'Mod+K', palette: '' } });
    field.click();
    flushSync();
    press(field, 'd', { altKey: true, code: 'KeyD' });
    expect(saved.pop()).toEqual({ shortcuts: { desk: 'Alt+D' } });
  });

  it('hold in the whole window at once', () => {
    fakeBackend({});
    const ask = (init: KeyboardEventInit & { key: string; code: string }) =>
      shortcuts.asked(new KeyboardEvent('keydown', init));
    expect(ask({ key: 'k', code: 'KeyK', ctrlKey: true })).toBe('palette');
    settings.value = { ...usual, shortcuts: { palette: 'Mod+P' } };
    expect(ask({ key: 'k', code: 'KeyK', ctrlKey: true })).toBeUndefined();
    expect(ask({ key: 'p', code: 'KeyP', ctrlKey: true })).toBe('palette');
    show(KeysOverview, {});
    expect(text('[data-testid=keys-overview]')).toContain('Ctrl+P');
  });

  it('do not take what is typed for a wish', () => {
    fakeBackend({});
    const field = document.body.appendChild(document.createElement('textarea'));
    let asked: unknown = 'nothing yet';
    field.addEventListener('keydown', (event) => (asked = shortcuts.asked(event)));
    press(field, '?', { shiftKey: true, code: 'Slash' });
    expect(asked).toBeUndefined();
    press(field, 'k', { ctrlKey: true, code: 'KeyK' });
    expect(asked).toBe('palette');
  });

  it('of the text’s size are within bounds and reach the page', () => {
    fakeBackend({});
    const zoomed: number[] = [];
    backend().native.zoom = async (percent) => void zoomed.push(percent);
    const saved: Partial<Settings>[] = [];
    show(LookSettings, { value: { ...usual, text_percent: 190 }, save: (patch) => saved.push(patch) });
    part('[data-testid=text-larger]').click();
    expect(saved.pop()).toEqual({ text_percent: 200 });
    button('As usual').click();
    expect(saved.pop()).toEqual({ text_percent: 100 });
    followTextSize(() => 900);
    expect(localStorage.getItem('text-size')).toBe('200');
    followTextSize(() => 100);
    expect(zoomed).toEqual([200, 100]);
  });

  it('of the login say what the system refuses, and stay as they were', async () => {
    fakeBackend({});
    backend().native.login = async (starts) => {
      if (starts) throw { ...refusal, message: 'The system refuses.', fix: 'Look there.' };
      return false;
    };
    show(LoginSetting, {});
    await settled();
    part('#login').click();
    await settled();
    expect(part('#login').getAttribute('aria-checked')).toBe('false');
    expect(text()).toContain('The system refuses. Look there.');
  });

  it('of storage measure once, and say what takes how much', async () => {
    const report = {
      home: '/h',
      database_bytes: 34_400_000,
      backups_bytes: 0,
      runs_bytes: 65_600_000,
      engines_bytes: 0,
      logs_bytes: 0,
      free_bytes: 5_000_000_000,
      jobs: 1,
      events: 12,
    };
    const { of } = fakeBackend({ 'storage.get': () => report });
    show(Storage, { health: undefined, onpruned: () => undefined });
    await settled();
    expect(text('[data-testid=storage-total]')).toBe('100 MB');
    expect(text('[data-testid=storage]')).toContain('5.0 GB free on this disk');
    expect(text('[data-testid=storage]')).toContain('1 job, 12 events.');
    await settled();
    expect(of('storage.get')).toHaveLength(1);
  });
});

describe('licences', () => {
  it('name all that the page is built from', () => {
    const named = new Set(licences.page.map(([name, version]) => `${name} ${version}`));
    const packages = lock.packages as unknown as Record<
      string,
      { version: string; dependencies?: Record<string, string>; license?: string }
    >;
    for (const name of Object.keys(packages['']?.dependencies ?? {}))
      expect(named, '`npm run licences` brings the list up to date').toContain(
        `${name} ${packages[`node_modules/${name}`]?.version ?? ''}`,
      );
    expect(licences.programs.length).toBeGreaterThan(100);
    expect([...licences.page, ...licences.programs].filter(([, , licence]) => licence === 'unknown')).toEqual([]);
  });

  it('are found by name', () => {
    fakeBackend({});
    show(Licences, { onclose: () => undefined });
    expect(text('[data-testid=licences]')).toContain('svelte');
  });
});

describe('a part that is fetched when it is wanted', () => {
  it('says when it does not come, and is asked for again', async () => {
    fakeBackend({});
    let tries = 0;
    const load = async () => {
      tries += 1;
      if (tries === 1) throw new Error('no such file');
      return { default: Licences };
    };
    show(Later as unknown as Component<Record<string, unknown>>, { load, props: { onclose: () => undefined } });
    await settled();
    expect(text()).toContain('no such file');
    button('Try again').click();
    await settled();
    expect(text()).toContain('Licences');
  });
});
