import { fileURLToPath } from 'node:url';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { compileMessages, OPTIONS } from './scripts/messages.mjs';

export default defineConfig(({ command }) => {
  if (command === 'build') compileMessages();
  return {
    plugins: [...(command === 'serve' ? [paraglideVitePlugin(OPTIONS)] : []), svelte()],
    resolve: { alias: { $lib: fileURLToPath(new URL('./src/lib', import.meta.url)) } },
    clearScreen: false,
    server: { port: 5173, strictPort: true, host: 'localhost' },
    build: {
      target: 'es2022',
      // The app's content security policy allows no inline script, and every engine we target has modulepreload.
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
    },
  };
});
