import { flushSync, mount, unmount } from 'svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import HealthReport from '$lib/components/HealthReport.svelte';
import LinkBanner from '$lib/components/LinkBanner.svelte';
import PruneDialog from '$lib/components/PruneDialog.svelte';
import RunLimits from '$lib/components/RunLimits.svelte';
import type { Health } from '$lib/contract/types';
import { restartDaemon } from '$lib/stores/actions.svelte';
import { clock } from '$lib/stores/clock.svelte';
import { desk } from '$lib/stores/desk.svelte';
import { flashes } from '$lib/stores/flash.svelte';
import { HealthStore } from '$lib/stores/health.svelte';
import { link } from '$lib/stores/link.svelte';
import { router } from '$lib/stores/route.svelte';
import { settings } from '$lib/stores/settings.svelte';
import Sessions from '../../src/screens/Sessions.svelte';
import { busyDesk, company, emptyDesk, health, NOW, sessions, settings as sample } from '../fixture/data';
import { fakeBackend, refusal } from './fake';
import { button, part, press, settled, text, type } from './page';

const mounted: Record<string, unknown>[] = [];

beforeEach(() => {
  desk.value = busyDesk;
  clock.now = NOW;
});

afterEach(async () => {
  for (const row of mounted.splice(0)) await unmount(row);
  document.body.replaceChildren();
  vi.useRealTimers();
});

describe('pruning', () => {
  const DAY = 86_400_000;

  function open(pruned = () => undefined, close = () => undefined): void {
    mounted.push(mount(PruneDialog, { target: document.body, props: { company, onclose: close, onpruned: pruned } }));
    flushSync();
  }

  it('says what would go, and lets go of just that once it is told to', async () => {
    vi.useFakeTimers();
    const done: string[] = [];
    const { of } = fakeBackend({ 'job.prune': () => ({ jobs: 128, events: 41_208, bytes: 312_000_000 }) });
    open(
      () => void done.push('pruned'),
      () => void done.push('closed'),
    );
    const go = part<HTMLButtonElement>('[data-testid=prune-go]');
    expect(go.disabled).toBe(true);
    await vi.advanceTimersByTimeAsync(300);
    flushSync();
    expect(text('[data-testid=prune-found]')).toBe('128 jobs 41,208 events · 312 MB on disk');
    const [look] = of('job.prune');
    expect(look?.params).toMatchObject({ company_id: 1, dry_run: true });
    const before = (look?.params as { before: number }).before;
    expect(Math.abs(Date.now() - 30 * DAY - before)).toBeLessThan(5000);
    go.click();
    await vi.advanceTimersByTimeAsync(10);
    expect(of('job.prune')[1]?.params).toEqual({ company_id: 1, before, dry_run: false });
    expect(done).toEqual(['pruned', 'closed']);
    expect(flashes.list.at(-1)?.text).toBe('Forgot 128 jobs: 41,208 events, 312 MB.');
  });

  it('does not go by an older answer, nor by what is no number of days', async () => {
    vi.useFakeTimers();
    const { of } = fakeBackend({ 'job.prune': () => ({ jobs: 3, events: 9, bytes: 100 }) });
    open();
    await vi.advanceTimersByTimeAsync(300);
    flushSync();
    const go = part<HTMLButtonElement>('[data-testid=prune-go]');
    expect(go.disabled).toBe(false);
    type(part<HTMLInputElement>('[data-testid=prune-days]'), '9');
    expect(go.disabled).toBe(true);
    type(part<HTMLInputElement>('[data-testid=prune-days]'), 'all');
    await vi.advanceTimersByTimeAsync(300);
    flushSync();
    expect(text('[data-testid=prune-found]')).toContain('A whole number of days');
    expect(go.disabled).toBe(true);
    expect(of('job.prune')).toHaveLength(1);
  });

  it('offers nothing where there is nothing', async () => {
    vi.useFakeTimers();
    fakeBackend({ 'job.prune': () => ({ jobs: 0, events: 0, bytes: 0 }) });
    open();
    await vi.advanceTimersByTimeAsync(300);
    flushSync();
    expect(text('[data-testid=prune-found]')).toMatch(/^Nothing ended before \d+ \w+/);
    expect(part<HTMLButtonElement>('[data-testid=prune-go]').disabled).toBe(true);
  });
});

describe('limits of a run', () => {
  function open(): void {
    mounted.push(mount(RunLimits, { target: document.body, props: { value: sample, onfault: () => undefined } }));
    flushSync();
  }

  it('say their unit, their range and what 0 means', () => {
    fakeBackend({});
    open();
    for (const id of ['run_minutes', 'run_first_output_minutes', 'run_silence_minutes', 'run_turns', 'run_output_mb']) {
      const row = part(`#${id}`).closest('.row')!;
      expect(row.textContent).toMatch(/0 to [\d,]+/);
      expect(row.textContent).toContain('0 means no limit');
      expect(part(`label[for=${id}]`).textContent).toBeTruthy();
    }
  });

  it('say beside the field why one is not saved, and keep what was typed', async () => {
    fakeBackend({
      'settings.get': () => sample,
      'settings.set': () => {
        throw { ...refusal, message: 'The setting run_minutes must be from 0 to 10080.', fix: 'Correct it.' };
      },
    });
    await settings.load();
    open();
    const field = part<HTMLInputElement>('#run_minutes');
    type(field, '9999');
    press(field, 'Enter');
    await settled();
    expect(text('#run_minutes-why')).toContain('must be from 0 to 10080');
    expect(field.value).toBe('9999');
    expect(field.getAttribute('aria-describedby')).toBe('run_minutes-why');
    type(field, '2.5');
    press(field, 'Enter');
    await settled();
    expect(text('#run_minutes-why')).toContain('A whole number');
  });

  it('are saved one by one', async () => {
    const { of } = fakeBackend({ 'settings.get': () => sample, 'settings.set': (next: never) => next });
    await settings.load();
    open();
    type(part<HTMLInputElement>('#run_silence_minutes'), '0');
    press(part('#run_silence_minutes'), 'Enter');
    await settled();
    expect(of('settings.set')[0]?.params).toEqual({ ...sample, run_silence_minutes: 0 });
  });
});

describe('health', () => {
  async function open(found: Health): Promise<() => void> {
    fakeBackend({ 'daemon.health': () => found, 'daemon.reload': () => found.status });
    const store = new HealthStore();
    const end = store.start();
    mounted.push(mount(HealthReport, { target: document.body, props: { store } }));
    await settled();
    return end;
  }

  it('tells of queue, workers, disk, backup and the last errors', async () => {
    const end = await open(health);
    const said = text('[data-testid=health]');
    expect(said).toContain('2 of 10 at work, 2 waiting, 1 retrying, 2 in line, 1 scheduled, 1 blocked');
    expect(said).toContain('1d 2h');
    expect(said).toContain('34.4 MB');
    expect(said).toContain('212 GB');
    expect(said).toContain('last backup');
    const rows = [...document.querySelectorAll('tbody tr')].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent?.replace(/\s+/g, ' ').trim()).join(' | '),
    );
    expect(rows[0]).toBe('#212 | 48213 | 3 | 212 MB | 1m 32s | 0 B | 1s ago');
    expect(rows[2]).toContain('not connected');
    expect(text('ol')).toMatch(/refused the key \(401\).*asked to wait/);
    expect(document.querySelector('[data-testid=health-repaired]')).toBeNull();
    button('#212').click();
    expect(router.route).toEqual({ screen: 'job', jobId: 212 });
    end();
  });

  it('says first what had to be repaired', async () => {
    const end = await open({ ...health, repaired: 'The copy of 03:00 took its place.' });
    expect(text('[data-testid=health-repaired]')).toContain('The copy of 03:00 took its place.');
    const all = document.body.textContent ?? '';
    expect(all.indexOf('had to be repaired')).toBeLessThan(all.indexOf('Queue'));
    end();
  });

  it('says when the disk is almost full', async () => {
    const end = await open({ ...health, disk_free_bytes: 12_000_000 });
    expect(text('dd.bad')).toBe('12.0 MB');
    end();
  });
});

describe('a restart of the background process', () => {
  it('is said until it is there again, and is no fault', async () => {
    const { handlers } = fakeBackend({
      'daemon.restart': () => {
        throw { ...refusal, code: 'daemon.unreachable' };
      },
    });
    await link.start();
    handlers.deliver('native.link', { state: 'ready' });
    const seen = flashes.list.length;
    mounted.push(mount(LinkBanner, { target: document.body }));
    await restartDaemon();
    handlers.deliver('native.link', { state: 'starting' });
    flushSync();
    expect(text()).toContain('is restarting…');
    expect(text()).toContain('Work that is under way goes on.');
    expect(flashes.list).toHaveLength(seen);
    handlers.deliver('native.link', { state: 'ready' });
    flushSync();
    expect(document.body.textContent?.trim()).toBe('');
    expect(flashes.list.at(-1)?.text).toBe('The background process was restarted.');
    handlers.deliver('native.link', { state: 'starting' });
    flushSync();
    expect(text()).toContain('Reconnecting');
    handlers.deliver('native.link', { state: 'ready' });
  });
});

describe('sessions', () => {
  async function open(value = busyDesk) {
    desk.value = value;
    const fake = fakeBackend({
      'session.list': () => ({ sessions }),
      'session.stop': () => ({
        session: sessions[0],
        cancelled: [],
        stopped: { ended: 0, forced: 0, left: 0 },
      }),
      'session.resume': ({ session_id }: { session_id: number }) => ({ ...sessions[1]!, session_id }),
      'desk.subscribe': () => value,
    });
    mounted.push(mount(Sessions, { target: document.body }));
    await settled();
    return fake;
  }

  it('are listed with their days, their briefs and the latest of them', async () => {
    await open();
    const rows = [...document.querySelectorAll('[data-testid=session-row]')].map((row) =>
      row.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatch(/^#14 CE Jobs of session #14: Build a landing page .* CEO · 7 briefs · since .* open$/);
    expect(rows[1]).toMatch(
      /^#13 CE Jobs of session #13: Plan the hiring for the next quarter CEO · 4 briefs · .*\d\d:\d\d – .*closed Resume$/,
    );
  });

  it('are resumed at once where none is open', async () => {
    const { of } = await open(emptyDesk);
    button('Resume session #13').click();
    await settled();
    expect(of('session.stop')).toHaveLength(0);
    expect(of('session.resume')[0]?.params).toEqual({ company: { company_id: 1 }, session_id: 13 });
    expect(flashes.list.at(-1)?.text).toContain('Session #13 is open again.');
  });

  it('ask first where another one is open, and say what that ends', async () => {
    const { calls, of } = await open();
    button('Resume session #13').click();
    flushSync();
    expect(of('session.stop')).toHaveLength(0);
    expect(text('dialog')).toContain('Session #14 is open');
    expect(text('dialog')).toContain('4 jobs are cancelled.');
    button('Close #14, resume #13').click();
    await settled();
    const changes = calls.map((call) => call.method).filter((method) => method.startsWith('session.'));
    expect(changes.filter((method) => method !== 'session.list')).toEqual(['session.stop', 'session.resume']);
  });

  it("lead to a session's jobs", async () => {
    await open();
    part('[data-session-id="13"] button').click();
    expect(router.route).toEqual({ screen: 'jobs', session: 13 });
    expect(location.hash).toBe('#/jobs/13');
  });
});
