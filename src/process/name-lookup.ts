import { lookup, type LookupAddress, type LookupAllOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';

import type { Runtime } from './runtime.js';

/** As `lookup` of node:dns with all addresses. */
type Resolver = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Less than the 3 s that MongoDB's driver gives a connection: its error is to name the name, and not just a time. */
const ANSWER_MS = 2_500;
/** How long an answer is good that came when nobody waited for it any more. Longer than any pause between two attempts to connect. */
const KEPT_MS = 30_000;

interface Question {
  answer: Promise<LookupAddress[]>;
  /** Somebody has given up. */
  late: boolean;
  answeredAtMs: number | undefined;
}

/**
 * Addresses of names, for connections. libuv looks up two names at a time, and a third waits for as long as these two get no answer (10 s with one silent name
 * server and the defaults of glibc). So each name is asked for once at a time, however often it is wanted; who waits is told after 2.5 s, and who asks again waits
 * for the same answer. Where the first name server is silent and the second is not, an answer takes 5 s, and would else be late for every attempt.
 */
export function nameLookup({ clock, timers }: Pick<Runtime, 'clock' | 'timers'>, resolver: Resolver = lookup): LookupFunction {
  const questions = new Map<string, Question>();

  function ask(key: string, hostname: string, options: LookupAllOptions): Question {
    const answer = new Promise<LookupAddress[]>((resolve, reject) => {
      resolver(hostname, options, (error, addresses) => (error ? reject(error) : resolve(addresses)));
    });
    const question: Question = { answer, late: false, answeredAtMs: undefined };
    questions.set(key, question);
    answer.then(
      () => {
        question.answeredAtMs = clock.monotonicMs();
        if (!question.late) questions.delete(key);
      },
      () => questions.delete(key),
    );
    return question;
  }

  function known(key: string): Question | undefined {
    const question = questions.get(key);
    const { answeredAtMs = clock.monotonicMs() } = question ?? {};
    return clock.monotonicMs() - answeredAtMs <= KEPT_MS ? question : undefined;
  }

  async function addressesOf(hostname: string, options: LookupAllOptions): Promise<LookupAddress[]> {
    const key = JSON.stringify([hostname, options.family, options.hints, options.order]);
    const question = known(key) ?? ask(key, hostname, options);
    const answered = new AbortController();
    try {
      const addresses = await Promise.race([question.answer, timers.sleep(ANSWER_MS, answered.signal)]);
      if (addresses) return addresses;
      question.late = true;
      throw new NoAnswer(hostname);
    } finally {
      answered.abort();
    }
  }

  return (hostname, options, callback) => {
    addressesOf(hostname, { ...options, all: true }).then(
      addresses => {
        const [first] = addresses;
        if (options.all === true) callback(null, addresses);
        else if (first) callback(null, first.address, first.family);
        else callback(new Error(`${hostname} has no address`), []);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    );
  };
}

class NoAnswer extends Error {
  readonly code = 'ETIMEOUT';

  constructor(hostname: string) {
    super(`no name server has answered for ${hostname} within ${ANSWER_MS / 1_000} s`);
    this.name = 'NoAnswer';
  }
}
