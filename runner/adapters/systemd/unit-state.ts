import type { Systemctl } from './systemctl.ts';

/** What systemd knows of the service. */
export interface UnitState {
  /** ActiveState: active, reloading, inactive, failed, activating, deactivating. */
  readonly active: string;
  /** SubState: running, dead, auto-restart, … */
  readonly sub: string;
  /** Whether it starts at boot: enabled, disabled, masked, … */
  readonly atBoot: string;
  /** As systemd writes it; null when it never was in another state. */
  readonly since: string | null;
  readonly pid: number | null;
  /** Bytes. */
  readonly memory: number | null;
  /** How often systemd started it again by itself. */
  readonly restarts: number;
  /** The sentence that the runner gave systemd last. */
  readonly says: string | null;
  /** How it ended, where it did not end well: exit-code, watchdog, timeout, start-limit-hit, … */
  readonly failure: string | null;
  readonly exitCode: number | null;
  /** The unit was changed and systemd does not know it yet. */
  readonly isOutdated: boolean;
}

const names = [
  ...['ActiveState', 'SubState', 'UnitFileState', 'StateChangeTimestamp', 'MainPID', 'MemoryCurrent', 'NRestarts'],
  ...['StatusText', 'Result', 'ExecMainCode', 'ExecMainStatus', 'NeedDaemonReload'],
];

export async function readUnitState(systemctl: Systemctl): Promise<UnitState> {
  const values = await systemctl.show(names);
  const text = (name: string): string => values.get(name) ?? '';
  const result = text('Result');
  return {
    active: text('ActiveState') || 'unknown',
    sub: text('SubState') || 'unknown',
    atBoot: text('UnitFileState') || 'unknown',
    since: text('StateChangeTimestamp') || null,
    pid: count(text('MainPID')) || null,
    // systemd writes the largest number of 64 bits, or "[not set]", for what is not counted.
    memory: count(text('MemoryCurrent')),
    restarts: count(text('NRestarts')) ?? 0,
    says: text('StatusText') || null,
    failure: result === '' || result === 'success' ? null : result,
    // 1 is CLD_EXITED: otherwise the status is the number of a signal.
    exitCode: text('ExecMainCode') === '1' ? count(text('ExecMainStatus')) : null,
    isOutdated: text('NeedDaemonReload') === 'yes',
  };
}

export function isRunning(state: UnitState): boolean {
  return state.active === 'active' || state.active === 'reloading';
}

function count(text: string): number | null {
  if (!/^\d+$/.test(text)) return null;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : null;
}
