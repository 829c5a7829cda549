import { Channel, invoke } from '@tauri-apps/api/core';
import type { Backend, Method, NativeInfo, Params, Result } from './backend';
import { NoteHandlers } from './handlers';

type Batch = { note: string; params: unknown }[];

function send<T>(method: string, params: unknown): Promise<T> {
  return invoke<T>('call', { method, params });
}

/** The desktop behind this page. */
export function createBackend(): Backend {
  const handlers = new NoteHandlers();
  let percent = 100;
  return {
    call: <M extends Method>(method: M, params: Params<M>) => send<Result<M>>(method, params),
    on: (note, handler) => handlers.on(note, handler),
    async start() {
      const channel = new Channel<Batch>();
      channel.onmessage = (batch) => {
        for (const { note, params } of batch) handlers.deliver(note, params);
      };
      await invoke('listen', { channel });
    },
    native: {
      info: () => send<NativeInfo>('native.info', {}),
      pickFolder: async () => (await send<{ path: string | null }>('native.pick_folder', {})).path,
      pickFiles: async () => (await send<{ paths: string[] }>('native.pick_files', {})).paths,
      keepPasted: async (name, base64) => (await send<{ path: string }>('native.keep_pasted', { name, base64 })).path,
      saveText: async (name, text) => (await send<{ path: string | null }>('native.save_text', { name, text })).path,
      openPath: (path) => send('native.open_path', { path }),
      openUrl: (url) => send('native.open_url', { url }),
      hideWindow: () => send('native.hide_window', {}),
      // The page measures in its own pixels, the window in the screen's.
      fitWindow: (height) => send('native.fit_window', { height: (height * percent) / 100 }),
      login: async (starts) => (await send<{ starts: boolean }>('native.login', { starts: starts ?? null })).starts,
      async zoom(wanted) {
        percent = wanted;
        await send('native.zoom', { percent: wanted });
      },
      viewing: (jobId) => send('native.viewing', { job_id: jobId }),
      quit: () => send('native.quit', {}),
      retry: () => send('native.retry', {}),
      drawn() {
        // It is for the log alone.
        send('native.drawn', { at: Date.now() }).catch(() => undefined);
      },
      reportError(message, stack) {
        // The log is where page errors go; when it cannot be reached there is nowhere else to tell.
        send('native.report_error', { message, stack }).catch(() => undefined);
      },
    },
  };
}
