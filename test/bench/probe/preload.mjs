// Preloaded into every process of a measured deployment (NODE_OPTIONS=--import). Talks to the bench over a Unix socket, a line of JSON per
// message: says who it is, then answers questions. Holds no process alive, and changes nothing it does.
import { connect } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { createInterface } from 'node:readline';
import { Counts } from './counts.mjs';
import { Profiler } from './profiler.mjs';

const ROLES = ['api', 'resource-manager', 'worker', 'beat'];
const path = process.env.BENCH_PROBE_SOCKET;
const role = roleOf(process.argv);
if (isMainThread && path !== undefined && role !== undefined) serve(path, role);

/** Tools of the command line are no part of what is measured. */
function roleOf([, file = '', command = '']) {
  if (file.endsWith('/cli/interlock.js')) return ROLES.includes(command) ? command : undefined;
  return file.includes('/dist/worker/') ? 'child' : undefined;
}

function memory() {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, held: heapUsed + external };
}

function serve(path, role) {
  const counts = new Counts();
  if (role !== 'child') counts.watch();
  const profiler = new Profiler(`${path}.${role}-${process.pid}.cpuprofile`);
  const answers = {
    counts: () => counts.calls,
    memory: () => memory(),
    'collected-memory': () => {
      profiler.collectGarbage();
      return memory();
    },
    'start-profile': () => profiler.start(),
    'stop-profile': () => profiler.stop(),
  };
  const socket = connect(path);
  socket.unref();
  socket.on('error', () => undefined); // the bench is gone, and with it whoever wants to know
  const send = message => socket.write(`${JSON.stringify(message)}\n`);
  send({ role, pid: process.pid });
  createInterface({ input: socket }).on('line', async line => {
    const { id, ask } = JSON.parse(line);
    try {
      send({ id, answer: (await answers[ask]()) ?? null });
    } catch (error) {
      send({ id, error: String(error) });
    }
  });
}
