import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { loadConfig } from '../../config/load.js';
import { systemctl, type Systemctl } from './systemctl.js';
import { writeChanged } from './write-changed.js';

export interface Managing {
  /** How many workers there are to be. */
  count: number;
  systemctl: Systemctl;
  /** Where units are kept until the next boot. */
  unitDirectory: string;
  say: (line: string) => void;
}

const RUNTIME_UNITS = '/run/systemd/system';
const UNIT = /^interlock-worker@(\d+)\.service$/;

/** `interlock manage-workers start|stop`, which interlock-workers.service runs. Resolves with the exit code. Throws ConfigError. */
export function manageWorkers(verb: 'start' | 'stop'): Promise<number> {
  const { config } = loadConfig();
  const managing: Managing = {
    count: config.workers.count ?? availableParallelism(),
    systemctl,
    unitDirectory: RUNTIME_UNITS,
    say: line => void process.stdout.write(`${line}\n`),
  };
  return verb === 'start' ? startWorkers(managing) : stopWorkers(managing);
}

/** Makes the running workers those that are wanted: stops what is too many, starts what is missing, one by one, and leaves the others alone. */
export async function startWorkers(managing: Managing): Promise<number> {
  const { count, say } = managing;
  const wanted = Array.from({ length: count }, (_, index) => `interlock-worker@${index + 1}.service`);
  if (writeChanged(dependenciesFile(managing), dependencies(wanted))) await reload(managing);
  const running = await runningWorkers(managing);
  const surplus = running.filter(unit => !wanted.includes(unit));
  const stopped = surplus.length > 0 ? await stop(managing, surplus) : 0;
  for (const unit of wanted) {
    if (running.includes(unit)) continue;
    const { code, stderr } = await managing.systemctl('start', unit);
    if (code !== 0) {
      say(`${unit} did not start: ${stderr.trim() || `exit code ${code}`} (journalctl -u ${unit} says why)`);
      return code;
    }
    say(`${unit} is running`);
  }
  say(`${count} ${count === 1 ? 'worker is' : 'workers are'} running`);
  return stopped;
}

/** All at the same time, whatever their number is now. */
export async function stopWorkers(managing: Managing): Promise<number> {
  const running = await runningWorkers(managing);
  const code = running.length > 0 ? await stop(managing, running) : 0;
  rmSync(dependenciesFile(managing), { force: true });
  await reload(managing);
  if (code === 0) managing.say(`${running.length} ${running.length === 1 ? 'worker is' : 'workers are'} stopped`);
  return code;
}

/** So that `systemctl list-dependencies interlock-workers` shows them, though another command starts them. */
function dependenciesFile({ unitDirectory }: Managing): string {
  return join(unitDirectory, 'interlock-workers.service.d', '50-workers.conf');
}

function dependencies(units: readonly string[]): string {
  return ['# Written by `interlock manage-workers`.', '[Unit]', ...units.map(unit => `Wants=${unit}`), ''].join('\n');
}

async function reload({ systemctl, say }: Managing): Promise<void> {
  const { code, stderr } = await systemctl('daemon-reload');
  if (code !== 0) say(`systemd did not read its units again: ${stderr.trim()}`);
}

/** Those that fail and wait for their next start count, too. */
async function runningWorkers({ systemctl }: Managing): Promise<string[]> {
  const { stdout } = await systemctl('list-units', '--plain', '--no-legend', '--full', 'interlock-worker@*.service');
  const found = stdout.split('\n').map(line => line.trim().split(/\s+/));
  return found.flatMap(([unit = '', , active]) =>
    UNIT.test(unit) && active !== 'inactive' && active !== 'failed' ? [unit] : [],
  );
}

async function stop({ systemctl, say }: Managing, units: readonly string[]): Promise<number> {
  const { code, stderr } = await systemctl('stop', ...units);
  if (code !== 0) say(`not all workers could be stopped: ${stderr.trim()}`);
  return code;
}
