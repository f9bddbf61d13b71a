import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Workflow code and the thinking core run where the clock, chance and the machine must not reach. */
const DETERMINISTIC = {
  'no-restricted-globals': [
    'error',
    'process',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'fetch',
    'crypto',
    'performance',
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Math', property: 'random', message: 'chance arrives in events' },
    { object: 'Date', property: 'now', message: 'time arrives in events' },
  ],
};

export default tseslint.config(
  { ignores: ['dist/', 'reports/', '.desk/', 'node_modules/', '.tools/'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.mjs'] }, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: 'error',
      'object-shorthand': 'error',
      'no-duplicate-imports': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-restricted-syntax': ['error', { selector: 'TSEnumDeclaration', message: 'use a union or a frozen object' }],
    },
  },
  { files: ['core/**/*.ts'], rules: DETERMINISTIC },
  {
    files: ['workflows/**/*.ts'],
    rules: { 'no-restricted-globals': DETERMINISTIC['no-restricted-globals'] },
  },
  {
    files: ['**/*.mjs', 'desk'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: Object.fromEntries(
        ['process', 'console', 'URL', 'setTimeout', 'setInterval', 'clearInterval'].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['console/public/**/*.js'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      ...tseslint.configs.disableTypeChecked.languageOptions,
      globals: Object.fromEntries(
        ['document', 'performance', 'EventSource', 'setTimeout', 'setInterval'].map((name) => [name, 'readonly']),
      ),
    },
  },
);
