import { brief, type Context, type Result } from '../scenario.js';
import { summaries, type Figures } from '../statistics.js';
import { agenda } from './agenda.js';
import { bullmq } from './bullmq.js';
import { celery } from './celery.js';
import { graphileBatched, graphileWorker } from './graphile.js';
import { interlock } from './interlock.js';
import { figuresOf, loadOf, type Peer, type Rig } from './peer.js';
import { Ratios } from './ratios.js';
import { Site } from './site.js';

const PEERS = [celery, bullmq, agenda, graphileWorker, graphileBatched];
const TASKS = 5_000;
const SLOTS = 8;

/** The same task that does nothing on Interlock and on its peers, each with its durable settings: same machine, same slots, same run. */
export async function run(context: Context): Promise<Result[]> {
  const site = await Site.open(context.servers, context.say);
  try {
    const contenders: Contender[] = [];
    for (const peer of chosen(context)) contenders.push(await contender(context, site, peer));
    for (let round = 1; round <= context.options.runs; round += 1) await measureEach(context, contenders, round);
    return contenders.map(resultOf);
  } finally {
    await site.close();
  }
}

/** A peer in this run of the bench. */
interface Contender {
  peer: Peer;
  /** Absent when it cannot be had. */
  rig?: Rig;
  runs: Figures[];
  /** What is wrong with it; it is not measured again then. */
  missing?: string;
}

function chosen(context: Context): Peer[] {
  const others = PEERS.filter(({ key }) => context.options.only.some(name => name === key));
  return [interlock(context, 'prefork'), interlock(context, 'async'), ...others];
}

async function contender(context: Context, site: Site, peer: Peer): Promise<Contender> {
  const made: Contender = { peer, runs: [] };
  try {
    made.rig = await peer.setUp(site);
  } catch (error) {
    giveUp(context, made, error);
  }
  return made;
}

/** In turns, so that a slow minute of the machine hits all of them. */
async function measureEach(context: Context, contenders: readonly Contender[], round: number): Promise<void> {
  const { tasks = TASKS, slots = SLOTS, runs } = context.options;
  const ratios = new Ratios();
  for (const contender of contenders) {
    const { peer, rig, missing } = contender;
    if (rig === undefined || missing !== undefined) continue;
    const load = loadOf(peer, { tasks, slots });
    try {
      const figures = figuresOf(await rig.measure(load), load);
      contender.runs.push({ ...figures, ...ratios.of(peer.key, figures.tasksPerSecond) });
      context.say(`${peer.name}, run ${round} of ${runs}: ${brief(contender.runs.at(-1) ?? {})}`);
    } catch (error) {
      if (peer.own === true) throw error;
      giveUp(context, contender, error);
    }
  }
}

/** A peer that cannot be had, or does not do its work, is named with the reason; the others go on. */
function giveUp({ say }: Context, contender: Contender, error: unknown): void {
  contender.missing = error instanceof Error ? error.message : String(error);
  say(`${contender.peer.name} is not measured: ${contender.missing}`);
}

function resultOf({ peer, rig, runs, missing }: Contender): Result {
  const about = rig && { versions: rig.versions, settings: rig.settings };
  if (missing !== undefined) return { case: peer.name, runs: 0, figures: {}, ...about, missing };
  return { case: peer.name, runs: runs.length, figures: summaries(runs), ...about };
}
