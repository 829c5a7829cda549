import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { compileMessages } from './scripts/messages.mjs';

compileMessages();

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: { $lib: fileURLToPath(new URL('./src/lib', import.meta.url)) },
    // Components are tested as the browser has them, not as a server would render them.
    conditions: ['browser'],
  },
  test: {
    environment: 'happy-dom',
    include: ['tests/unit/**/*.test.ts'],
    // On a machine that builds at the same time, loading modules anew takes seconds.
    testTimeout: 30_000,
    setupFiles: ['tests/unit/customs.ts'],
  },
});
