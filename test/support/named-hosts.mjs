// Preloaded into a process: names that end in .lan are this machine, as long as the JSON in the file of NAMED_HOSTS_FILE, which may change while it runs, does
// not list them as silent. A lookup of a silent name gets no answer until the name is off the list, as with a name server that has fallen silent.
import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setInterval } from 'node:timers';

const file = process.env.NAMED_HOSTS_FILE;
const LOOK_MS = 50;
const HERE = { address: '127.0.0.1', family: 4 };
const real = dns.lookup;
const held = new Set();
let silent = [];

function look() {
  try {
    silent = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return; // It is being written.
  }
  for (const question of held) if (!silent.includes(question.hostname) && held.delete(question)) question.answer();
}

function lookup(hostname, given, callback) {
  if (!hostname.endsWith('.lan')) return real(...[hostname, given, callback].filter(each => each !== undefined));
  const [options, tell] = typeof given === 'function' ? [{}, given] : [given, callback];
  const answer = () => (options.all ? tell(null, [HERE]) : tell(null, HERE.address, HERE.family));
  if (silent.includes(hostname)) held.add({ hostname, answer });
  else process.nextTick(answer);
}

if (file) {
  look();
  dns.lookup = lookup;
  dns.promises.lookup = (hostname, options = {}) =>
    new Promise((resolve, reject) => {
      lookup(hostname, { ...options, all: true }, (error, found) =>
        error ? reject(error) : resolve(options.all ? found : found[0]),
      );
    });
  syncBuiltinESMExports();
  setInterval(look, LOOK_MS).unref();
}
