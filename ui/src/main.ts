import './lib/locale';
import './app.css';
import { mount } from 'svelte';
import { comeBack } from '$lib/again';
import { createBackend } from '$lib/backend/tauri';
import { installBackend } from '$lib/backend/backend';
import App from './App.svelte';

const backend = createBackend();
installBackend(backend);

/** A note of the browser's own that one layout took two frames: no fault. */
const LAYOUT_NOTE = 'ResizeObserver loop'; // not words

addEventListener('error', (event) => {
  if (event.message.startsWith(LAYOUT_NOTE)) return;
  backend.native.reportError(event.message, event.error instanceof Error ? (event.error.stack ?? '') : '');
});
addEventListener('unhandledrejection', (event) => {
  const reason: unknown = event.reason;
  backend.native.reportError(
    reason instanceof Error ? reason.message : JSON.stringify(reason),
    reason instanceof Error ? (reason.stack ?? '') : '',
  );
});

const query = new URLSearchParams(location.search);
const quick = query.get('window') === 'quick';
document.documentElement.dataset.window = quick ? (query.has('round') ? 'quick round' : 'quick') : 'main'; // not words

const target = document.getElementById('app');
if (target) mount(App, { target, props: { quick } });
comeBack();
