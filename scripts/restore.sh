#!/bin/sh
# Brings the newest backup of a folder back, or the one that is named: first a rehearsal in a database of its own, then the restore.
#
#   scripts/restore.sh FOLDER|BACKUP [options of `interlock restore`]
#
# Stop every role first (systemctl stop interlock.target). INTERLOCK names the command where it is not on the PATH.
# Exit codes: 0 done, 2 usage, else that of `interlock` (1: refused, and why; 6: a server does not answer).
set -u

place=${1-}
if [ -z "$place" ] || [ "${place#-}" != "$place" ]; then
  echo "usage: $0 FOLDER|BACKUP [options of \`interlock restore\`]" >&2
  exit 2
fi
shift
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
interlock=${INTERLOCK:-$(command -v interlock || echo "$here/interlock")}

backup=
if [ -f "$place/manifest.json" ]; then
  backup=$place
else
  for each in "$place"/interlock-*Z; do [ -f "$each/manifest.json" ] && backup=$each; done # the last is the newest
fi
if [ -z "$backup" ]; then
  echo "$0: there is no backup in $place" >&2
  exit 1
fi
echo "restoring $backup" >&2

how=
for option in "$@"; do [ "$option" = --settings-only ] && how=--checksums-only; done # without settings there is no server to rehearse on
"$interlock" verify "$backup" $how >/dev/null || exit $?
exec "$interlock" restore "$backup" "$@"
