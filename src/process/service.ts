/**
 * Anything with a life. `start` resolves when it is ready, or throws; `stop` waits for the end and may be called
 * twice, or before `start`. What is started last is stopped first.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts in order; when one fails, stops those before it in reverse and throws its error. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = [];
  for (const service of services) {
    try {
      await service.start();
      started.push(service);
    } catch (error) {
      await stopAll(started).catch(() => undefined); // the first error is the one to report
      throw error;
    }
  }
}

/** Stops in reverse order; every one is stopped even if an earlier one fails; throws the first error at the end. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  const errors: unknown[] = [];
  for (const service of services.toReversed()) await service.stop().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}
