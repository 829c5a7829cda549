import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

const onlyInTauri = {
  group: ['@tauri-apps/*'],
  message: 'Only src/lib/backend/tauri.ts talks to the desktop. Use the backend.',
};

export default ts.config(
  { ignores: ['dist/', 'node_modules/', 'src/lib/contract/types.ts', 'src/lib/paraglide/'] },
  js.configs.recommended,
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      'no-restricted-imports': ['error', { patterns: [onlyInTauri] }],
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // `M extends void ? …` in the contract's types is how methods without params are told.
      '@typescript-eslint/no-invalid-void-type': 'off',
    },
  },
  { files: ['src/lib/backend/tauri.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig } },
  },
  { files: ['*.config.*', 'tests/**', 'scripts/**'], languageOptions: { globals: { ...globals.node } } },
  { files: ['tests/**'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
);
