/** What went wrong while servers were set up, in a form that a person can act on. */
export type SetupErrorCode =
  | 'unsupported-platform' // no /proc: process identities cannot be told apart
  | 'no-rabbitmq' // none on the machine and none could be fetched
  | 'no-mongodb' // none on the machine and none could be fetched
  | 'command-failed' // an external command ended with an error or ran into its deadline
  | 'command-missing' // an external command is not on this machine
  | 'checksum-mismatch' // what was fetched is not what is pinned
  | 'server-failed' // a server ended, or was not ready in time
  | 'busy'; // a lock, port or folder stayed taken

/**
 * An expected failure of the set-up: `message` says what happened, `ways` are the ways on, one sentence each.
 * Show both, without a stack.
 */
export class SetupError extends Error {
  readonly code: SetupErrorCode;
  readonly ways: readonly string[];

  constructor(code: SetupErrorCode, message: string, options: { ways?: readonly string[]; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SetupError';
    this.code = code;
    this.ways = options.ways ?? [];
  }
}

/** One error that says all that several say, with the code of the first. */
export function joined(errors: readonly SetupError[]): SetupError {
  const ways = new Set(errors.flatMap(error => error.ways));
  return new SetupError(errors[0]?.code ?? 'command-failed', errors.map(error => error.message).join('\n'), {
    ways: [...ways],
    cause: errors,
  });
}

// What a file system says when the machine, not the program, is at fault.
const OF_THE_MACHINE: Record<string, string> = {
  EACCES: 'Use a folder that this user may write to, or give it the folder',
  EPERM: 'Use a folder that this user may write to, or give it the folder',
  EROFS: 'Use a folder on a disk that can be written to',
  ENOSPC: 'Make room on the disk: the servers take 250 MB, and their data more',
};

/** The message and the ways on as lines for a terminal. Anything unexpected is a bug and keeps its stack. */
export function describeSetupError(error: unknown): string[] {
  if (error instanceof SetupError) return [error.message, ...error.ways.map(way => `  - ${way}`)];
  if (!(error instanceof Error)) return [String(error)];
  const way = OF_THE_MACHINE[(error as NodeJS.ErrnoException).code ?? ''];
  return way === undefined ? [error.stack ?? error.message] : [error.message, `  - ${way}`];
}
