import type { Log } from '../process/log.js';
import type { Clock } from '../process/runtime.js';
import type { ScheduleStore } from '../store/store.js';

/** Above this somebody who compares log lines of two machines is misled. Nothing else goes by the clock of a process. */
const WORTH_A_WORD_MS = 2_000;

/** Says so when this machine's clock is not the database's. Throws StoreError. */
export async function compareClocks(schedules: Pick<ScheduleStore, 'now'>, clock: Clock, log: Log): Promise<void> {
  const askedAtMs = clock.wall().getTime();
  const server = await schedules.now();
  const tookMs = clock.wall().getTime() - askedAtMs;
  const aheadMs = askedAtMs + tookMs / 2 - server.getTime();
  if (Math.abs(aheadMs) - tookMs / 2 <= WORTH_A_WORD_MS) return;
  const how = `${Math.round(Math.abs(aheadMs) / 100) / 10} s ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  log.warn(
    `The clock of this machine is ${how} that of MongoDB: log lines and events carry its time, everything else goes by the database. Let both machines keep time (chrony, systemd-timesyncd).`,
  );
}
