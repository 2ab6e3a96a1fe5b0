import { execFile } from 'node:child_process';

/** How a command of systemd ended. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `systemctl` with these words; never rejects. A unit may take its whole time to start or stop: systemd itself ends that. */
export type Systemctl = (...words: string[]) => Promise<Ended>;

/** No such program: what shells say. */
const NOT_FOUND = 127;

export const systemctl: Systemctl = (...words) =>
  new Promise(resolve => {
    execFile('systemctl', words, { env: { ...process.env, SYSTEMD_COLORS: '0', SYSTEMD_PAGER: '' } }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : NOT_FOUND;
      resolve({ code, stdout, stderr: stderr || (error && code === NOT_FOUND ? error.message : '') });
    });
  });
