import { errorOf } from '../../../tasks/body.js';
import { contextHere } from '../../../tasks/current.js';
import { Budget } from '../../children/budget.js';
import { tell } from '../../children/child/lifeline.js';
import type { Supervisor } from '../../children/child/supervisor.js';
import type { Bodies } from './bodies.js';

const HOW = {
  rejection: 'A promise of the task was rejected and nobody handled that',
  exception: 'The task threw where nobody could catch it',
};

/**
 * What nobody has handled is the fault of the body in whose asynchronous context it happened, and of no other. Where there is none, nobody
 * knows whose state is broken: the process ends, as Node would end it.
 */
export function blameBodies(bodies: Bodies, supervisor: Supervisor): void {
  const remains = new Budget(1, 20);
  const blame = (how: keyof typeof HOW, thrown: unknown): void => {
    const context = contextHere();
    if (!context) end(thrown);
    const body = bodies.of(context);
    if (!body && !remains.take()) return; // it has been told often enough
    const error = errorOf(thrown);
    const fault = { ...error, code: 'CHILD_DIED', message: `${HOW[how]}: ${error.message}` };
    supervisor.send({ kind: 'fault', run: body?.number ?? 0, how, error: fault });
    body?.fail(fault);
  };
  process.on('unhandledRejection', reason => blame('rejection', reason));
  process.on('uncaughtException', error => blame('exception', error));
  process.on('exit', () => {
    const context = contextHere();
    if (context) tell(`X${bodies.of(context)?.number ?? 0}`);
  });
}

function end(thrown: unknown): never {
  const { message, traceback } = errorOf(thrown);
  process.stderr.write(`${traceback ?? message}\n`);
  process.exit(1);
}
