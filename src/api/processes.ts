import { Type, type Static } from 'typebox';

import type { ProcessRecord } from '../core/process.js';
import type { Roster } from './roster.js';
import { Time } from './schemas.js';

const Versions = Type.Object({ interlock: Type.String(), node: Type.String() });
export const ofEveryProcess = {
  name: Type.String(),
  state: Type.Unsafe<ProcessRecord['state']>({ type: 'string', enum: ['live', 'missing', 'stopped'] }),
  online: Type.Boolean({ description: 'Live, and its heartbeat is fresh.' }),
  host: Type.String(),
  pid: Type.Integer(),
  startedAt: Time,
  lastHeartbeat: Time,
  versions: Versions,
};

export const LeaderSchema = Type.Object(
  { ...ofEveryProcess, leading: Type.Boolean() },
  { $id: 'LeaderProcess', additionalProperties: false },
);
export function processOf(process: ProcessRecord, roster: Roster): Omit<Static<typeof LeaderSchema>, 'leading'> {
  const { name, state, host, pid, startedAt, beatAt, versions } = process;
  return {
    name,
    state,
    online: roster.isLive(process),
    host,
    pid,
    startedAt: startedAt.toISOString(),
    lastHeartbeat: beatAt.toISOString(),
    versions,
  };
}

export function leaderOf(process: ProcessRecord, roster: Roster): Static<typeof LeaderSchema> {
  return { ...processOf(process, roster), leading: roster.isLeading(process) };
}
