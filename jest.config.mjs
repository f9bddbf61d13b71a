/** One runner, several suites: `./desk test` picks them by folder. The root and browser suites have their own commands. */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.desk/', '<rootDir>/reports/'],
  watchPathIgnorePatterns: ['<rootDir>/.desk/'],
  testTimeout: 60_000,
  // Modules of a finished suite are not given back: a worker of many suites spends its time on collecting them.
  workerIdleMemoryLimit: '1GB',
};
