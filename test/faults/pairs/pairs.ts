import { expect } from 'chai';

import { until } from '../../support/wait.js';
import type { Stage } from './stage.js';

/** How a link is broken. `drop`: each question reaches the server, and its answer nobody. */
export const MODES = ['blackhole', 'blackhole-up', 'blackhole-down', 'reset', 'drop', 'slice'] as const;
export type Mode = (typeof MODES)[number];

/** Seconds of the real timings: nothing is lost for it; it may be; everybody has given up on whoever is cut off. */
export const SECONDS = [5, 18, 60] as const;
/** In which way each pair in turn is broken for so long, unless all ways are asked for. */
export const QUICK: Readonly<Record<(typeof SECONDS)[number], readonly Mode[]>> = {
  5: ['slice', 'drop', 'reset'],
  18: ['blackhole-up', 'blackhole-down', 'drop'],
  60: ['blackhole', 'reset'],
};

export interface Pair {
  name: string;
  /** What is cut now. */
  links: (stage: Stage) => Promise<string[]> | string[];
  /** In which order they are healed, where one comes before the other. */
  healFirst?: string;
  /** What holds while the cut lasts, longer than a self-fence takes. Called where it is long and nothing passes. */
  during?: (stage: Stage, cut: string[]) => Promise<void>;
  /** Tasks end while it lasts, whatever its kind. */
  goesOn: boolean;
}

const one = (link: string) => (): string[] => [link];
const all = (stage: Stage, end: string): string[] => [...stage.links.keys()].filter(name => name.endsWith(end));

export const PAIRS: readonly Pair[] = [
  { name: 'client and API', links: one('client>a1'), goesOn: false },
  { name: 'API and MongoDB', links: one('a1>mongo'), goesOn: false, during: refuses },
  { name: 'API and RabbitMQ', links: one('a1>rabbit'), goesOn: true },
  {
    name: 'resource manager and MongoDB',
    links: leading('resource-manager', 'mongo'),
    goesOn: false,
    during: handsOver('resource-manager'),
  },
  { name: 'resource manager and RabbitMQ', links: leading('resource-manager', 'rabbit'), goesOn: true },
  { name: 'worker and MongoDB', links: one('w1>mongo'), goesOn: false, during: fences },
  { name: 'worker and RabbitMQ', links: one('w1>rabbit'), goesOn: true },
  { name: 'beat and MongoDB', links: leading('beat', 'mongo'), goesOn: true, during: handsOver('beat') },
  { name: 'beat and RabbitMQ', links: leading('beat', 'rabbit'), goesOn: true },
  { name: 'everybody and MongoDB and RabbitMQ, the database back first', links: everything, healFirst: 'mongo', goesOn: false },
  { name: 'everybody and MongoDB and RabbitMQ, the broker back first', links: everything, healFirst: 'rabbit', goesOn: false },
  {
    name: 'one host, with one of each role, and the rest',
    links: stage => [...stage.links.keys()].filter(name => name.includes('1>') || name === 'client>a1'),
    goesOn: false,
    during: fences,
  },
];

export function cut(stage: Stage, links: readonly string[], mode: Mode): void {
  for (const name of links) {
    if (mode === 'drop') stage.link(name).dropReplies(Infinity, 200);
    else stage.link(name).set(mode);
  }
}

export function heal(stage: Stage, links: readonly string[]): void {
  for (const name of links) {
    stage.link(name).dropReplies(0, 0);
    stage.link(name).set('pass');
  }
}

function leading(kind: 'resource-manager' | 'beat', server: string): Pair['links'] {
  return async stage => [`${await stage.leader(kind)}>${server}`];
}

function everything(stage: Stage): string[] {
  return [...all(stage, '>mongo'), ...all(stage, '>rabbit')];
}

/** The other one leads, and tasks go on. */
function handsOver(kind: 'resource-manager' | 'beat'): NonNullable<Pair['during']> {
  return async (stage, [link = '']) => {
    const former = link.split('>')[0];
    await until('another one leads', async () => (await stage.leader(kind)) !== former, { timeoutMs: 60_000 });
    await stage.traffic.goesOn(3);
  };
}

/** Nothing is promised that cannot be kept: the API says so, and that it is not ready; the other one works. */
async function refuses(stage: Stage): Promise<void> {
  const [cutOff = '', other = ''] = stage.apis;
  const ask = (url: string): Promise<Response> => fetch(url, { signal: AbortSignal.timeout(30_000) });
  const refused = await until('it refuses', async () => {
    const answer = await ask(`${cutOff}/api/v1/tasks?limit=1`);
    return answer.status === 503 ? answer : undefined;
  });
  expect(Number(refused.headers.get('retry-after'))).to.be.greaterThan(0);
  await until('it is not ready', async () => (await ask(`${cutOff}/readyz`)).status === 503);
  expect((await ask(`${cutOff}/livez`)).status, 'but live').to.equal(200);
  expect((await ask(`${other}/api/v1/tasks?limit=1`)).status, 'the other API').to.equal(200);
  await stage.traffic.goesOn(3);
}

/** Its children are dead before anybody is given what they held; that nothing overlaps is judged at the end. */
async function fences(stage: Stage): Promise<void> {
  const count = (): number => stage.outputOf('w1').split('Self-fence').length;
  const before = fenced.get(stage) ?? 1;
  await until('the worker fences itself', () => count() > before, { timeoutMs: 60_000 });
  fenced.set(stage, count());
}

const fenced = new WeakMap<Stage, number>();
