/** The two phases of an end: the first signal asks, the second does not. */
export interface SignalHandlers {
  graceful(signal: NodeJS.Signals): void;
  forced(signal: NodeJS.Signals): void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/**
 * A terminal and `npm` both hand on Ctrl-C, so one key press may arrive twice; only a signal that comes later than this
 * is a second wish.
 */
const SAME_WISH_MS = 300;

/** Calls `graceful` for the first SIGTERM or SIGINT and `forced` for a second one. Returns how to stop listening. */
export function onSignals(
  handlers: SignalHandlers,
  clock: { monotonicMs(): number },
  source: NodeJS.EventEmitter = process,
): () => void {
  let firstAt: number | undefined;
  const heard = (signal: NodeJS.Signals): void => {
    if (firstAt === undefined) {
      firstAt = clock.monotonicMs();
      handlers.graceful(signal);
    } else if (clock.monotonicMs() - firstAt > SAME_WISH_MS) handlers.forced(signal);
  };
  for (const signal of SIGNALS) source.on(signal, heard);
  return () => SIGNALS.forEach(signal => void source.off(signal, heard));
}
