import eslint from '@eslint/js';
import obsidianmd from 'eslint-plugin-obsidianmd';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist/**', '.cache/**', 'node_modules/**', 'examples/**', 'test/fixtures/**', '.opus*/**'] },
  eslint.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['vitest.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'max-lines': ['error', { max: 400, skipBlankLines: true }],
    },
  },
  {
    files: ['**/*.mjs', '**/*.cjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'performance', 'URL', 'Buffer'].map((name) => [name, 'readonly']),
      ),
    },
  },
  { basePath: 'plugin', files: ['**/*.ts', '**/*.tsx'], extends: [obsidianmd.configs.recommended] },
  // The plugin draws with these.
  { basePath: 'shared/view', files: ['**/*.ts', '**/*.tsx'], extends: [obsidianmd.configs.recommended] },
  {
    files: ['plugin/**/*.ts', 'plugin/**/*.tsx', 'shared/view/**/*.ts', 'shared/view/**/*.tsx'],
    rules: { 'obsidianmd/ui/sentence-case': ['error', { acronyms: ['FR', 'PR'] }] },
  },
);
