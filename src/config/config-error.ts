/** One thing wrong with the configuration. */
export interface Problem {
  /** The option, as `worker.graceMs`, or the file or variable when the trouble is not with one option. */
  key: string;
  /** The file or variable that the value came from. */
  source: string;
  /** What is wrong, and what was expected. Never holds a secret. */
  detail: string;
}

/** All that is wrong with the configuration at once. The process ends with code 78. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ key, source, detail }) => `  ${key} (${source}): ${detail}`);
    super(`The configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
