import js from '@eslint/js';
import n from 'eslint-plugin-n';
import tseslint from 'typescript-eslint';

const root = new URL('../..', import.meta.url).pathname;

// Everything that decides something in the protocol. The simulation runs this very code on a simulated clock,
// so it may reach time, chance and servers only through the ports of src/process/runtime.ts and src/store, src/broker.
const protocol = [
  'src/core/**',
  'src/dispatch/**',
  'src/process/**',
  'src/resource-manager/**',
  'src/worker/**',
  'src/beat/**',
  'src/audit/**',
  'src/testing/**',
];
// The adapters that live beside the protocol: real clock, real processes, real files.
const adapters = [
  'src/process/system.ts',
  'src/process/logger.ts',
  'src/process/signals.ts',
  'src/process/identity.ts',
  'src/process/tls/**',
  'src/worker/{children,prefork,async}/**',
  'src/beat/cron-ticks.ts',
  'src/testing/real-time.ts',
];

const timers = ['setTimeout', 'setInterval', 'setImmediate'].map(name => ({
  name,
  message: 'Use the Timers port (src/process/runtime.ts).',
}));

export default tseslint.config(
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { project: ['test/tsconfig.json'], tsconfigRootDir: root } },
    plugins: { n },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowAsThisParameter: true, allowInGenericTypeArguments: true }],
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      'n/prefer-node-protocol': 'error',
      'no-console': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true }],
      'max-depth': ['error', 3],
      'max-params': ['error', 4],
    },
  },
  {
    files: ['src/**'],
    ignores: [
      'src/index.ts',
      'src/config/**',
      'src/cli/**',
      'src/servers/**',
      'src/main/**',
      'src/worker/{children,prefork,async}/**',
      'src/tasks/**',
    ],
    rules: { 'n/no-process-env': 'error' },
  },
  {
    files: ['src/**'],
    ignores: ['src/main/**', 'src/cli/**', 'src/process/signals.ts', 'src/worker/{children,prefork,async}/child/**'],
    rules: { 'n/no-process-exit': 'error' },
  },
  {
    files: protocol,
    ignores: adapters,
    rules: {
      'no-restricted-globals': [
        'error',
        ...timers,
        { name: 'performance', message: 'Use the Clock port (src/process/runtime.ts).' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Use the Clock port (src/process/runtime.ts).' },
        { object: 'Math', property: 'random', message: 'Use the Random port (src/process/runtime.ts).' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Use the Clock port.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: ['uuid', 'mongodb', 'amqplib', 'node:timers', 'node:timers/promises', 'node:crypto'],
          patterns: ['**/store/mongo/**', '**/broker/amqp/**'],
        },
      ],
    },
  },
  {
    files: ['test/**'],
    // What moves time, or breaks things at given times, has nothing to wait for.
    ignores: ['test/support/**', 'test/simulation/scheduler.ts', 'test/chaos/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...timers.map(t => ({ name: t.name, message: 'Wait for a condition (test/support/wait.ts).' })),
      ],
    },
  },
  {
    files: ['test/**'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
  {
    files: ['test/**', 'src/testing/store/**'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      parserOptions: { project: null },
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        Buffer: 'readonly',
        AbortSignal: 'readonly',
      },
    },
    rules: { 'no-console': 'off', '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
