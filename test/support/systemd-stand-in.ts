import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** It keeps each call, prints what `VERB.out` holds, and fails with the words of `VERB.fails`. */
const program = (folder: string, verb: string): string => `#!/bin/sh
folder='${folder}'
name=$(basename "$0")
echo "$name $*" >>"$folder/calls"
verb=${verb}
[ -e "$folder/$verb.out" ] && cat "$folder/$verb.out"
[ -e "$folder/$verb.fails" ] && { cat "$folder/$verb.fails" >&2; exit 1; }
exit 0
`;

/** Programs in `bin` for systemctl, journalctl and loginctl: a real systemd is not to be had for a test. */
export function standInForSystemd(bin: string, folder: string): void {
  const verbs = { systemctl: '"$3"', journalctl: 'journalctl', loginctl: 'loginctl' };
  for (const [name, verb] of Object.entries(verbs)) {
    writeFileSync(join(bin, name), program(folder, verb));
    chmodSync(join(bin, name), 0o755);
  }
}

/** What `systemctl show` says. */
export const runningState = `ActiveState=active
SubState=running
UnitFileState=enabled
StateChangeTimestamp=Sat 2026-11-21 00:34:29 UTC
MainPID=4242
MemoryCurrent=84000000
NRestarts=2
StatusText=2 jobs at work, 1 waiting
Result=success
ExecMainCode=0
ExecMainStatus=0
NeedDaemonReload=no
`;
export const failedState = `ActiveState=failed
SubState=failed
UnitFileState=enabled
StateChangeTimestamp=Sat 2026-11-21 00:34:29 UTC
MainPID=0
MemoryCurrent=[not set]
NRestarts=0
StatusText=
Result=exit-code
ExecMainCode=1
ExecMainStatus=2
NeedDaemonReload=no
`;
