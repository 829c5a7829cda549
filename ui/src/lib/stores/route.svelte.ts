import type { JobId, Seq, SessionId, Show } from '$lib/contract/types';

export type Route =
  | { screen: 'desk' }
  /** `query`: what the list shows, as `state/job-filter.ts` reads it. */
  | { screen: 'jobs'; session?: SessionId; query?: string }
  | { screen: 'notices' }
  | { screen: 'sessions' }
  | { screen: 'team'; agent?: string }
  | { screen: 'permissions' }
  | { screen: 'costs' }
  | { screen: 'journal' }
  /** `at`: the place in it that somebody came for. */
  | { screen: 'job'; jobId: JobId; at?: Seq }
  | { screen: 'settings'; section: string };

function number(text: string): number | undefined {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** A part of the address that somebody typed may not be one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [screen, rest = '', place = ''] = path.split('/');
  if (screen === 'jobs') {
    const session = number(rest);
    return { screen, ...(session === undefined ? {} : { session }), ...(query === '' ? {} : { query }) };
  }
  if (
    screen === 'notices' ||
    screen === 'sessions' ||
    screen === 'costs' ||
    screen === 'journal' ||
    screen === 'permissions'
  )
    return { screen };
  if (screen === 'team') return rest === '' ? { screen } : { screen, agent: decoded(rest) };
  if (screen === 'settings') return { screen, section: rest };
  const jobId = number(rest);
  const at = number(place);
  if (screen === 'job' && jobId !== undefined) return { screen, jobId, ...(at === undefined ? {} : { at }) };
  return { screen: 'desk' };
}

export function routeHash(route: Route): string {
  if (route.screen === 'job') return `#/job/${route.jobId}${route.at === undefined ? '' : `/${route.at}`}`;
  if (route.screen === 'settings' && route.section) return `#/settings/${route.section}`;
  if (route.screen === 'jobs')
    return `#/jobs${route.session === undefined ? '' : `/${route.session}`}${route.query ? `?${route.query}` : ''}`;
  if (route.screen === 'team' && route.agent !== undefined) return `#/team/${encodeURIComponent(route.agent)}`;
  return `#/${route.screen}`;
}

/** Which screen is up. It stands in the address, so that Back works. */
class Router {
  route = $state.raw<Route>(parseRoute(location.hash));
  palette = $state(false);
  /** Whether the overview of the keys is up. */
  keys = $state(false);
  /** Whether a company is being founded. */
  founding = $state(false);
  /** Grows when the list of companies is to be opened. */
  switching = $state(0);
  /** Grows when the field of that search is to have the focus. */
  searching = $state(0);
  /** Grows when the composer is to have the focus. */
  compose = $state(0);

  start(): () => void {
    // The address that `go` wrote comes back as a change, which is none.
    const follow = () => {
      const route = parseRoute(location.hash);
      if (routeHash(route) !== routeHash(this.route)) this.route = route;
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }

  go(route: Route): void {
    this.palette = false;
    this.keys = false;
    this.route = route;
    const hash = routeHash(route);
    if (location.hash !== hash) location.hash = hash;
  }

  /** The same screen, otherwise: Back does not stop at each of its states. */
  replace(route: Route): void {
    this.route = route;
    history.replaceState(history.state, '', routeHash(route));
  }

  show(show: Show): void {
    if (show.view === 'job') this.go({ screen: 'job', jobId: show.job_id });
    if (show.view === 'jobs' || show.view === 'notices') this.go({ screen: show.view });
    if (show.view === 'settings') this.go({ screen: 'settings', section: '' });
  }

  /** To the search through everything that was said and done. */
  search(): void {
    if (this.route.screen !== 'jobs') this.go({ screen: 'jobs' });
    this.searching += 1;
  }

  focusComposer(): void {
    this.go({ screen: 'desk' });
    this.compose += 1;
  }
}

export const router = new Router();
