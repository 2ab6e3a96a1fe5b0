/** The first signal asks, each later one is meant more seriously. */
export interface SignalHandlers {
  graceful(signal: NodeJS.Signals): void;
  /** Once for each signal after the first. */
  forced(signal: NodeJS.Signals): void;
  /** SIGQUIT, which otherwise ends a process on the spot: no time is left for what runs. */
  urgent?: (signal: NodeJS.Signals) => void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/**
 * A terminal and `npm` both hand on Ctrl-C, so one key press may arrive twice; only a signal that comes later than this
 * is another wish.
 */
const SAME_WISH_MS = 300;

/** Calls `graceful` for the first SIGTERM or SIGINT and `forced` for each later one. Returns how to stop listening. */
export function onSignals(
  handlers: SignalHandlers,
  clock: { monotonicMs(): number },
  source: NodeJS.EventEmitter = process,
): () => void {
  let lastAt: number | undefined;
  const heard = (signal: NodeJS.Signals): void => {
    const now = clock.monotonicMs();
    if (lastAt !== undefined && now - lastAt <= SAME_WISH_MS) return;
    const first = lastAt === undefined;
    lastAt = now;
    handlers[first ? 'graceful' : 'forced'](signal);
  };
  const { urgent } = handlers;
  const hurried = (signal: NodeJS.Signals): void => {
    lastAt ??= -Infinity; // what comes now is no first wish
    urgent?.(signal);
  };
  for (const signal of SIGNALS) source.on(signal, heard);
  if (urgent) source.on('SIGQUIT', hurried);
  return () => {
    for (const signal of SIGNALS) source.off(signal, heard);
    source.off('SIGQUIT', hurried);
  };
}

/**
 * SIGHUP asks to read files anew, as of every service; whoever holds a terminal is told by it that the terminal is gone, which ends a process as ever.
 */
export function onHangUp(reread: () => void, source: NodeJS.EventEmitter = process, onTerminal = process.stdin.isTTY): void {
  if (!onTerminal) source.on('SIGHUP', reread);
}
