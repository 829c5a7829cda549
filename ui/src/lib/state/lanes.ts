import type { Event, Span, Time } from '$lib/contract/types';
import { m } from '$lib/paraglide/messages';
import { clock, clockExact } from '$lib/text/format';

export interface Bar {
  /** In percent of the lane. */
  readonly left: number;
  readonly width: number;
  /** Work of its own; otherwise the frame of a delegation in which it may wait. */
  readonly solid: boolean;
  readonly title: string;
}

/** A stretch in which an agent could not go on. */
export interface Wait {
  readonly agent: string;
  readonly from: Time;
  /** None while it goes on. */
  readonly to: Time | undefined;
  readonly detail: string;
}

export interface Lane {
  readonly agent: string;
  readonly bars: readonly Bar[];
  readonly waits: readonly Bar[];
}

/** What is nearer than this, in percent, is one bar: a lane never has more bars than can be told apart. */
const NEAR = 0.5;
const NARROWEST = 0.4;
const SYSTEM = 'system';

interface Stretch {
  from: number;
  to: number;
  title: string;
  more: number;
}

function joined(spans: readonly Span[], from: Time, to: Time): Stretch[] {
  const whole = Math.max(1, to - from);
  const at = (time: Time) => Math.min(100, Math.max(0, ((time - from) / whole) * 100));
  const out: Stretch[] = [];
  const seen = spans.filter((span) => span.started_at <= to && (span.finished_at ?? to) >= from);
  for (const span of seen.sort((a, b) => a.started_at - b.started_at)) {
    const start = at(span.started_at);
    const end = Math.max(at(span.finished_at ?? to), start + NARROWEST);
    const last = out.at(-1);
    if (last && start - last.to < NEAR) {
      last.to = Math.max(last.to, end);
      last.more += 1;
    } else {
      out.push({ from: start, to: end, title: span.title, more: 0 });
    }
  }
  return out;
}

function bars(stretches: readonly Stretch[], solid: boolean): Bar[] {
  return stretches.map(({ from, to, title, more }) => ({
    left: Math.min(from, 100 - NARROWEST),
    width: Math.min(to, 100) - Math.min(from, 100 - NARROWEST),
    solid,
    title: more > 0 ? m.job_lane_more({ title, count: more }) : title,
  }));
}

/** When which agent waited, as far as these events tell. `endedAt`: what was open then ended with the job. */
export function toWaits(events: readonly Event[], endedAt?: Time): Wait[] {
  const waits: Wait[] = [];
  const open = new Map<string, number>();
  for (const event of events) {
    if (event.kind === 'run_exited') {
      for (const at of open.values()) waits[at] = { ...(waits[at] as Wait), to: event.at };
      open.clear();
    }
    if (event.kind !== 'waiting' || event.agent === SYSTEM) continue;
    const key = `${event.run_id}/${event.agent}/${event.parent ?? ''}`;
    const at = open.get(key);
    if (event.over) {
      if (at !== undefined) waits[at] = { ...(waits[at] as Wait), to: event.at };
      open.delete(key);
    } else if (at === undefined) {
      open.set(key, waits.length);
      waits.push({ agent: event.agent, from: event.at, to: undefined, detail: event.detail });
    }
  }
  return endedAt === undefined ? waits : waits.map((wait) => ({ ...wait, to: wait.to ?? endedAt }));
}

function waitBars(waits: readonly Wait[], from: Time, to: Time): Bar[] {
  const spans = waits.map((wait): Span => {
    const span: Span = {
      span: '',
      kind: 'turn',
      agent: wait.agent,
      title: wait.detail,
      started_at: Math.max(from, wait.from),
      ok: true,
      cost_usd: 0,
      children: 0,
    };
    return wait.to === undefined ? span : { ...span, finished_at: wait.to };
  });
  return bars(joined(spans, from, to), true);
}

/** Who was at work when, one lane an agent, in the order in which they came, with when each of them waited. */
export function toLanes(spans: readonly Span[], from: Time, to: Time, waits: readonly Wait[] = []): Lane[] {
  const byAgent = new Map<string, Span[]>();
  for (const span of spans) {
    const known = byAgent.get(span.agent);
    if (known) known.push(span);
    else byAgent.set(span.agent, [span]);
  }
  return [...byAgent].map(([agent, own]) => {
    const frames = own.filter((span) => span.kind === 'delegation');
    const work = own.filter((span) => span.kind !== 'delegation');
    const waited = waits.filter((wait) => wait.agent === agent && (wait.to ?? to) > from);
    return {
      agent,
      bars: [...bars(joined(frames, from, to), false), ...bars(joined(work, from, to), true)],
      waits: waitBars(waited, from, to),
    };
  });
}

/** Four times along the axis; the last is "now" while it goes on. */
export function axis(from: Time, to: Time, live: boolean): string[] {
  const show = to - from < 4 * 60_000 ? clockExact : clock;
  return [0, 1, 2, 3].map((i) => (i === 3 && live ? m.job_now() : show(from + ((to - from) * i) / 3)));
}
