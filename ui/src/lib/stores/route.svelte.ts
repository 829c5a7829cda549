import type { JobId, SessionId, Show } from '$lib/contract/types';

export type Route =
  | { screen: 'desk' }
  | { screen: 'jobs'; session?: SessionId }
  | { screen: 'sessions' }
  | { screen: 'team'; agent?: string }
  | { screen: 'permissions' }
  | { screen: 'costs' }
  | { screen: 'journal' }
  | { screen: 'job'; jobId: JobId }
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
  const [screen, rest = ''] = hash.replace(/^#\/?/, '').split('/');
  if (screen === 'jobs') {
    const session = number(rest);
    return session === undefined ? { screen } : { screen, session };
  }
  if (screen === 'sessions' || screen === 'costs' || screen === 'journal' || screen === 'permissions')
    return { screen };
  if (screen === 'team') return rest === '' ? { screen } : { screen, agent: decoded(rest) };
  if (screen === 'settings') return { screen, section: rest };
  const jobId = number(rest);
  if (screen === 'job' && jobId !== undefined) return { screen, jobId };
  return { screen: 'desk' };
}

export function routeHash(route: Route): string {
  if (route.screen === 'job') return `#/job/${route.jobId}`;
  if (route.screen === 'settings' && route.section) return `#/settings/${route.section}`;
  if (route.screen === 'jobs' && route.session !== undefined) return `#/jobs/${route.session}`;
  if (route.screen === 'team' && route.agent !== undefined) return `#/team/${encodeURIComponent(route.agent)}`;
  return `#/${route.screen}`;
}

/** Which screen is up. It stands in the address, so that Back works. */
class Router {
  route = $state.raw<Route>(parseRoute(location.hash));
  palette = $state(false);
  /** Grows when the composer is to have the focus. */
  compose = $state(0);

  start(): () => void {
    const follow = () => (this.route = parseRoute(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }

  go(route: Route): void {
    this.palette = false;
    this.route = route;
    const hash = routeHash(route);
    if (location.hash !== hash) location.hash = hash;
  }

  show(show: Show): void {
    if (show.view === 'job') this.go({ screen: 'job', jobId: show.job_id });
    if (show.view === 'settings') this.go({ screen: 'settings', section: '' });
  }

  focusComposer(): void {
    this.go({ screen: 'desk' });
    this.compose += 1;
  }
}

export const router = new Router();
