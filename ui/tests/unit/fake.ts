import type { Backend, Method } from '$lib/backend/backend';
import { installBackend } from '$lib/backend/backend';
import { NoteHandlers } from '$lib/backend/handlers';

type Answer = (params: never) => unknown;

/** A backend that answers as told and remembers what it was asked. */
export function fakeBackend(answers: Partial<Record<Method, Answer>>) {
  const handlers = new NoteHandlers();
  const calls: { method: Method; params: unknown }[] = [];
  const hidden: number[] = [];
  const backend: Backend = {
    async call(method, params) {
      calls.push({ method, params });
      const answer = answers[method];
      if (!answer) throw new Error(`nobody answers ${method}`);
      return (await answer(params as never)) as never;
    },
    on: (note, handler) => handlers.on(note, handler),
    start: async () => undefined,
    native: {
      info: async () => ({
        platform: 'linux',
        home: '/h',
        user_home: '/home/ann',
        version: '0',
        daemon: 'ready',
        global_shortcut: 'on',
        tray: true,
      }),
      pickFolder: async () => null,
      pickFiles: async () => [],
      keepPasted: async (name) => `/home/ann/.local/share/aicib/pasted/${name}`,
      saveText: async () => null,
      openPath: async () => undefined,
      openUrl: async () => undefined,
      hideWindow: async () => {
        hidden.push(Date.now());
      },
      fitWindow: async () => undefined,
      login: async (starts) => starts ?? false,
      zoom: async () => undefined,
      viewing: async () => undefined,
      quit: async () => undefined,
      retry: async () => undefined,
      drawn: () => undefined,
      reportError: () => undefined,
    },
  };
  installBackend(backend);
  return { handlers, calls, hidden, of: (method: Method) => calls.filter((call) => call.method === method) };
}

export const refusal = {
  code: 'budget.daily_reached',
  kind: 'user',
  message: "Today's limit is reached ($50.12 of $50).",
  fix: 'Raise it in Settings.',
  retryable: false,
};
