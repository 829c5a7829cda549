import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  resolve: { alias: { $lib: fileURLToPath(new URL('./src/lib', import.meta.url)) } },
  clearScreen: false,
  server: { port: 5173, strictPort: true, host: 'localhost' },
  build: {
    target: 'es2022',
    // The app's content security policy allows no inline script, and every engine we target has modulepreload.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
