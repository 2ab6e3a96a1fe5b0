// Preloaded into every process of the run: appends what memory it uses to the file that CHAOS_MEMORY_FILE names, every 10 s.
import { appendFileSync } from 'node:fs';
import { setInterval } from 'node:timers';

const file = process.env.CHAOS_MEMORY_FILE;
const note = () => {
  const { heapUsed, rss } = process.memoryUsage();
  appendFileSync(file, `${JSON.stringify({ pid: process.pid, heapUsed, rss })}\n`);
};
if (file) setInterval(note, 10_000).unref();
