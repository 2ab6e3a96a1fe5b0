import type { TestServers } from '../support/servers.js';
import { Site } from './peers/site.js';
import { readOptions, SCENARIOS, USAGE, type Options } from './options.js';
import { Progress } from './progress.js';
import { asJson, asText, writePage } from './report.js';
import type { Context, Result, Scenario } from './scenario.js';
import { openServers } from './servers.js';
import { Stage } from './stage.js';
import { look } from './surroundings.js';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** `npm run bench -- SCENARIO`: docs/benchmarks.md says what each scenario measures. Resolves with whether all holds that must. */
async function main(options: Options, servers: TestServers): Promise<boolean> {
  const context: Context = { options, servers, say };
  const on = await look(servers);
  const all = options.scenario === 'all' ? new Progress(options, on) : undefined;
  const results = options.resume && all ? all.load() : new Map<string, readonly Result[]>();
  const names = options.scenario === 'all' ? SCENARIOS : [options.scenario];
  for (const name of names.filter(each => !results.has(each))) {
    say(`${name} …`);
    const scenario = (await import(`./scenarios/${name}.js`)) as Scenario;
    results.set(name, await scenario.run(context));
    all?.save(results);
  }
  if (options.write) writePage(options.scenario, on, results);
  const text = options.json ? `${asJson(options.scenario, on, results)}\n` : asText(options.scenario, on, results);
  process.stdout.write(text);
  const failed = [...results].flatMap(([name, each]) =>
    each.flatMap(result => (result.failed ?? []).map(what => `${name}: ${what}`)),
  );
  for (const what of failed) say(`failed: ${what}`);
  return failed.length === 0;
}

function readOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    say(`error: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

const options = readOrExit();
const servers = openServers(say);
let ending: Promise<void> | undefined;

/** Nothing outlives the bench. The first reason to end decides: a scenario that is interrupted fails as well. */
function endWith(code: number): void {
  ending ??= Promise.allSettled([Stage.closeAll(), Site.closeAll()])
    .then(() => servers.then(({ stop }) => stop()))
    .catch(() => undefined) // they were never there, which is what the bench fails with
    .then(() => process.exit(code));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    say(`${signal}: ending everything`);
    endWith(130);
  });
}
servers
  .then(found => main(options, found))
  .then(
    holds => endWith(holds ? 0 : 1),
    (error: unknown) => {
      if (!ending) say(error instanceof Error ? (error.stack ?? error.message) : String(error));
      endWith(1);
    },
  );
