import type { Role } from '../../support/deployment.js';
import { measureCapacity } from '../overload/capacity.js';
import { offer } from '../overload/clients.js';
import { endsOf, untilIdle } from '../overload/ends.js';
import { resultsOf } from '../overload/figures.js';
import { heldGrowth } from '../overload/held.js';
import { idleLatency, probesUntilQuick, recoverySecondsOf } from '../overload/recovery.js';
import { watch } from '../overload/watch.js';
import type { Context, Result } from '../scenario.js';
import { Stage } from '../stage.js';

const CLIENTS = 200;
const WORKERS = 2;
const SLOTS = 4;
const TIMES_CAPACITY = 2;
/** Half of the clients share one token and send half of the load, the others have three: the first is to be held down for the sake of the others. */
const TOKENS = ['greedy', 'ann', 'bob', 'cal'] as const;
/** Every fourth client's tasks reserve one of so many resources. */
const RESOURCES = 64;
/** The line may become as long as the workers need this long for. */
const LINE_SECONDS = 5;
const IN_FLIGHT = 100;
const IDLE_PROBES = 20;

/**
 * A whole deployment and 200 clients that send twice as much as it can do, whatever they are told: nothing that was accepted may be lost, the rest must
 * hear when to come back, no memory may grow, no process be taken for dead, and afterwards all must be as quick as before. Once, as it takes long.
 */
export async function run(context: Context): Promise<Result[]> {
  const stage = await Stage.open(context, { roles: [] });
  try {
    return await measure(context, stage);
  } finally {
    await stage.close();
  }
}

async function measure({ options, say }: Context, stage: Stage): Promise<Result[]> {
  const { deployment } = stage;
  const { url, db } = deployment;
  const measured = deployment.start('api');
  const [manager, beat] = [deployment.start('resource-manager'), deployment.start('beat')];
  const workers = Array.from({ length: WORKERS }, () => stage.startWorker(options.pool, options.slots ?? SLOTS));
  await deployment.healthy();
  const tokens = await makeTokens(url);
  const at = { url, db, headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens.root}` }, bodyOf };
  const short = options.seconds < 60;
  const capacity = await measureCapacity(at, { warmUp: short ? 5 : 15, measured: short ? 10 : 30 });
  await untilIdle(db);
  say(`overload: ${capacity.toFixed(1)} tasks a second are what it can do`);

  await stage.stop(measured);
  const api = deployment.start('api', [], limitsFor(capacity));
  await deployment.healthy();
  const idleMs = await idleLatency(url, tokens.root, IDLE_PROBES);
  const over = new AbortController();
  const watched = {
    api,
    'resource-manager': manager,
    beat,
    ...Object.fromEntries(workers.map((worker, n) => [`worker ${n + 1}`, worker])),
  };
  const watching = watch(db, pidsOf(watched), over.signal);
  const perSecond = TIMES_CAPACITY * capacity;
  const growing = heldGrowth(() => stage.memory('collected'), pidsOf(watched), options.seconds);
  const heard = await offer(url, {
    ...{ clients: CLIENTS, perSecond, seconds: options.seconds, bodyOf },
    tokenOf: client => tokens[client % 2 === 0 ? 'greedy' : (TOKENS[1 + (client % 3)] ?? 'ann')],
  });
  say(
    `overload: ${heard.accepted.length} accepted, ${heard.refused['429']} × 429, ${heard.refused['503']} × 503, ${heard.wrongs} wrong`,
  );
  const afterwards = await probesUntilQuick(url, tokens.root, idleMs);
  over.abort();
  const seen = await watching;
  await untilIdle(db).catch(() => undefined); // what has not ended is counted
  const ends = await endsOf(db, heard.accepted);
  // Of a machine that others use as well, the slower of two idle systems is what it is to come back to.
  const idleAfterMs = await idleLatency(url, tokens.root, IDLE_PROBES);
  const recoverySeconds = recoverySecondsOf(afterwards, Math.max(idleMs, idleAfterMs));
  return resultsOf({
    growthMiB: await growing,
    heard,
    seen,
    ends,
    idleMs,
    idleAfterMs,
    recoverySeconds,
    seconds: options.seconds,
    capacityPerSecond: capacity,
  });
}

const bodyOf = (client: number): string => {
  const exclusive = client % 4 === 1 ? [`resource-${client % RESOURCES}`] : [];
  return JSON.stringify({ name: 'bench.nothing', exclusive });
};

/** Small numbers, as the machine is small: what an operator would set who knows the capacity. */
function limitsFor(capacity: number): Record<string, string> {
  const half = Math.max(1, Math.round(capacity / 2));
  return {
    INTERLOCK_API_REQUESTS_PER_SECOND: String(half),
    INTERLOCK_API_BURST: String(2 * half),
    INTERLOCK_API_MAX_IN_FLIGHT: String(IN_FLIGHT),
    INTERLOCK_API_MAX_OPEN_TASKS: String(Math.max(CLIENTS, Math.round(LINE_SECONDS * capacity))),
  };
}

const pidsOf = (roles: Readonly<Record<string, Role>>): Record<string, number> =>
  Object.fromEntries(Object.entries(roles).map(([name, { pid }]) => [name, pid]));

type TokenName = (typeof TOKENS)[number] | 'root';

async function makeTokens(url: string): Promise<Record<TokenName, string>> {
  const make = async (name: TokenName, role: string, by?: string): Promise<string> => {
    const headers = { 'content-type': 'application/json', ...(by !== undefined && { authorization: `Bearer ${by}` }) };
    const answer = await fetch(`${url}/api/v1/tokens`, { method: 'POST', headers, body: JSON.stringify({ name, role }) });
    if (answer.status !== 201) throw new Error(`POST /api/v1/tokens: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { token: string }).token;
  };
  const root = await make('root', 'admin');
  const made: Partial<Record<TokenName, string>> = { root };
  for (const name of TOKENS) made[name] = await make(name, 'submit', root);
  return made as Record<TokenName, string>;
}
