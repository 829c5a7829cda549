import type { Error as Fault, JobId, Methods, Notes, Show } from '$lib/contract/types';

export type { Fault };

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];

/** How the desktop stands with the daemon. */
export type LinkState = 'ready' | 'starting' | 'lost';

/** Notes of the desktop's own, beside those of the contract. */
export interface NativeNotes {
  'native.link': { state: LinkState; error?: Fault };
  'native.show': Show;
  /** Files are held over this window, or no longer. */
  'native.drag': { over: boolean; files: number };
  /** Files were dropped on this window: their paths. */
  'native.dropped': { paths: string[] };
}

export type AnyNotes = Notes & NativeNotes;
export type NoteName = keyof AnyNotes;

/** What the desktop says of itself. */
export interface NativeInfo {
  platform: string;
  /** The folder that holds database, keys and logs. */
  home: string;
  /** The founder's own folder, where the system says. */
  user_home?: string | null;
  version: string;
  daemon: LinkState;
  /** `on`, `off`, or why the shortcut could not be taken. */
  global_shortcut: string;
  tray: boolean;
  /** What the window is to show first. */
  view?: Show;
}

/** What only a desktop can do. */
export interface Native {
  info(): Promise<NativeInfo>;
  /** Lets the founder choose a folder; null where they did not. */
  pickFolder(): Promise<string | null>;
  /** Lets the founder choose files for a brief; none where they did not. */
  pickFiles(): Promise<string[]>;
  /** Keeps something that was pasted as a file, and says where. At most 20 MB. */
  keepPasted(name: string, base64: string): Promise<string>;
  /** Lets the founder choose where a text is saved; the file's path, or null where they did not. */
  saveText(name: string, text: string): Promise<string | null>;
  openPath(path: string): Promise<void>;
  /** http, https and mailto only. */
  openUrl(url: string): Promise<void>;
  hideWindow(): Promise<void>;
  /** Makes Quick brief's window as tall as its card. */
  fitWindow(height: number): Promise<void>;
  /** Says which job is on screen: of that one nobody needs to be told. */
  viewing(jobId: JobId | null): Promise<void>;
  /** Whether the app starts with the founder's login; said, it is made so. Rejects with a `Fault`. */
  login(starts?: boolean): Promise<boolean>;
  /** Makes all of the page larger or smaller, in percent. */
  zoom(percent: number): Promise<void>;
  /** Quits; asks first when work is under way. */
  quit(): Promise<void>;
  /** Tries to reach the daemon again. */
  retry(): Promise<void>;
  /** Tells the log that what the window was opened for is on screen, and can be used. */
  drawn(): void;
  reportError(message: string, stack: string): void;
}

/** The one way out of the page. */
export interface Backend {
  /** Rejects with a `Fault`. */
  call<M extends Method>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Returns what ends it. */
  on<N extends NoteName>(note: N, handler: (params: AnyNotes[N]) => void): () => void;
  /** Begins to listen. Handlers are set before. */
  start(): Promise<void>;
  native: Native;
}

let installed: Backend | undefined;

/** Says which backend the page uses; once, before anything is mounted. */
export function installBackend(backend: Backend): void {
  installed = backend;
}

export function backend(): Backend {
  if (!installed) throw new Error('no backend is installed');
  return installed;
}
