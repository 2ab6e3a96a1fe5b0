import { spawn } from 'node:child_process';
import { identify, type ProcessIdentity } from './identity.js';
import { record, type RunFolder } from './run-folder.js';

/** Ends the watched process groups when the owner is gone, however it went. */
export interface Guardian {
  readonly identity: ProcessIdentity;
  watch(leader: ProcessIdentity): void;
  /** Everything has ended in good order: the guardian just leaves. */
  dismiss(): void;
}

// A shell, not a Node process: it takes 1 MB and 2 ms, and needs nothing but a POSIX shell. Its input is a pipe whose
// only other end is the owner, so end-of-file means that the owner is gone, kill -9 included.
// $1 is the run folder, $2 how many tenths of a second a server gets between TERM and KILL.
const SCRIPT = `
groups=
while read -r pid ticks; do
  case $pid in dismiss) exit 0;; esac
  groups="$groups $pid:$ticks"
done
trap '' HUP INT TERM
sight() { # one of: alive, over, absent, other - the 22nd field is the start time, the 3rd the state
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || { echo absent; return; }
  set -- "$2" \${stat##*) }
  [ "\${21}" = "$1" ] || { echo other; return; }
  case $2 in Z|X) echo over;; *) echo alive;; esac
}
signal() { # to each group, unless its number belongs to a later process
  for group in $groups; do
    case $(sight "\${group%:*}" "\${group#*:}") in
      other) ;;
      *) kill -s "$1" -- "-\${group%:*}" 2>/dev/null;;
    esac
  done
}
await() { # until none is alive; fails after $1 tenths of a second
  left=$1
  while [ "$left" -gt 0 ]; do
    living=
    for group in $groups; do
      [ "$(sight "\${group%:*}" "\${group#*:}")" = alive ] && living=yes
    done
    [ -n "$living" ] || return 0
    sleep 0.1
    left=$((left - 1))
  done
  return 1
}
if [ "$2" -gt 0 ]; then signal TERM; signal CONT; await "$2"; fi
signal KILL
# With a process left, the records in the folder are all that the next start has to find it.
await 50 || exit 1
rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
`;

/** @param graceMs time between TERM and KILL once the owner is gone; 0 kills at once, right for data that goes too */
export function startGuardian(folder: RunFolder, graceMs: number): Guardian {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'interlock-guardian', folder.path, String(Math.ceil(graceMs / 100))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // out of the terminal's group: Ctrl-C is the owner's business
    cwd: '/',
  });
  if (child.pid === undefined) throw new Error('The guardian of the servers could not be started: /bin/sh is missing');
  const identity = identify(child.pid);
  record(folder, 'guardian', identity);
  // A guardian that was killed makes writes fail; the servers are then found by the records at the next start.
  child.stdin.on('error', () => undefined);
  child.on('error', () => undefined);
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return {
    identity,
    watch: leader => child.stdin.write(`${leader.pid} ${leader.ticks}\n`),
    dismiss: () => child.stdin.end('dismiss\n'),
  };
}
