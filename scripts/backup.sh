#!/bin/sh
# For cron: a new backup in FOLDER, checked; then all but the newest KEEP (7) are removed.
#
#   scripts/backup.sh FOLDER [KEEP]
#
# Settings come from the environment, as for every role. INTERLOCK names the command where it is not on the PATH.
# Exit codes: 0 done, 2 usage, 75 another run is at it, else that of `interlock` (6: a server does not answer). Unless the new backup is whole,
# no old one is removed.
set -u
umask 077

folder=${1-}
keep=${2-7}
case $keep in '' | *[!0-9]* | 0) keep= ;; esac
if [ -z "$folder" ] || [ -z "$keep" ] || [ $# -gt 2 ]; then
  echo "usage: $0 FOLDER [KEEP]   (KEEP: how many backups are kept, 1 or more)" >&2
  exit 2
fi
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
interlock=${INTERLOCK:-$(command -v interlock || echo "$here/interlock")}
mkdir -p -- "$folder" && folder=$(CDPATH= cd -- "$folder" && pwd -P) || exit 1
lock=$folder/.lock
child=

# A folder is made by one only. One whose owner is gone (killed, or the machine was restarted) is moved away, which also one only can do.
take_lock() {
  mkdir -- "$lock" 2>/dev/null && echo $$ >"$lock/pid" && return 0
  owner=$(cat "$lock/pid" 2>/dev/null || echo)
  if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null && mv -- "$lock" "$lock.stale.$$" 2>/dev/null; then
    rm -rf -- "$lock.stale.$$"
    mkdir -- "$lock" 2>/dev/null && echo $$ >"$lock/pid" && return 0
  fi
  return 1
}

leave() {
  status=$?
  trap - EXIT
  rm -rf -- "$lock"
  exit "$status"
}

# What runs is asked to end, and leaves nothing behind.
interrupted() {
  [ -n "$child" ] && kill "$child" 2>/dev/null && wait "$child"
  exit 143
}

run() {
  "$@" &
  child=$!
  wait "$child"
  status=$?
  child=
  return "$status"
}

if ! take_lock; then
  echo "$0: another run (pid $(cat "$lock/pid" 2>/dev/null || echo unknown)) is at $folder; if it is not, remove $lock" >&2
  exit 75
fi
trap leave EXIT
trap interrupted HUP INT TERM

stamp='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z'
for left in "$folder"/interlock-$stamp.unfinished "$folder"/.removing; do
  [ -d "$left" ] && rm -rf -- "$left"
done

backup=$folder/interlock-$(date -u +%Y%m%dT%H%M%SZ)
run "$interlock" backup "$backup" --json || exit $?
run "$interlock" verify "$backup" --checksums-only --json || exit $?

count=0
for each in "$folder"/interlock-$stamp; do [ -f "$each/manifest.json" ] && count=$((count + 1)); done
for each in "$folder"/interlock-$stamp; do # oldest first
  [ "$count" -gt "$keep" ] || break
  [ -f "$each/manifest.json" ] || continue
  mv -- "$each" "$folder/.removing" && rm -rf -- "$folder/.removing" || exit 1 # half of one is never taken for one
  count=$((count - 1))
done
