import type { Command } from '../../src/core/command.js';
import { STAGES } from '../../src/core/wish.js';
import type { Chance } from './chance.js';

/** What an operator wants of a worker; everybody is resumed when it becomes calm. */
export interface CommandPlan {
  atMs: number;
  worker: string;
  command: Command;
}

/** What operators want of these workers, and which of them lack types. */
export function drawSteering(
  chance: Chance,
  workers: readonly string[],
  calmFromMs: number,
): { commands: CommandPlan[]; lacking: string[] } {
  const complete = workers.findLast(name => name.startsWith('worker-'));
  // One that takes whatever there is has every type.
  const lacking = workers.filter(name => name !== complete && chance.happens(0.15));
  if (chance.happens(0.7)) return { commands: [], lacking };
  const commands = Array.from({ length: 1 + chance.below(6) }, (): CommandPlan => {
    const command = chance.pick<Command>([
      ...(['pause', 'pause', 'resume', 'drain'] as const).map(action => ({ action })),
      { action: 'pool', slots: 1 + chance.below(4) },
      { action: 'pool', grow: chance.pick([-1, 1, 2]) },
      { action: 'shutdown', stage: chance.pick(STAGES) },
    ]);
    return { atMs: chance.between(0, calmFromMs), worker: chance.pick(workers), command };
  });
  // Twice: an api that was cut off may still be carrying out a pause that its client has given up.
  const resumed = [20_000, 100_000].flatMap(ms =>
    workers.map((worker): CommandPlan => ({ atMs: calmFromMs + ms, worker, command: { action: 'resume' } })),
  );
  return { commands: [...commands, ...resumed], lacking };
}
