import type { CircuitVerdict } from '../../core/ports/circuits.ts';

/** One circuit breaker. Times are of a clock that only goes forward, so that no setting of the system's clock prolongs a rest. */
export interface Circuit {
  failures: number;
  /** Null while it is closed. */
  openedAt: number | null;
  trial: boolean;
  /** Counts openings and closings: a run that began before the last of them has no say in what comes after. */
  turn: number;
}

/** What a run was let in as. */
export interface Admission {
  readonly turn: number;
  readonly trial: boolean;
}

export function closedCircuit(): Circuit {
  return { failures: 0, openedAt: null, trial: false, turn: 0 };
}

/** How long it still rests: 0 once it has, null while it is closed. */
export function restLeft(circuit: Circuit, now: number, rest: number): number | null {
  return circuit.openedAt === null ? null : Math.max(0, circuit.openedAt + rest - now);
}

/** Null when the run must not begin. */
export function admit(circuit: Circuit, now: number, rest: number): Admission | null {
  const left = restLeft(circuit, now, rest);
  if (left === null) return { turn: circuit.turn, trial: false };
  if (left > 0 || circuit.trial) return null;
  circuit.trial = true;
  return { turn: circuit.turn, trial: true };
}

/** Whether what is worth keeping over a restart changed. */
export function settle(
  circuit: Circuit,
  admission: Admission,
  verdict: CircuitVerdict,
  now: number,
  threshold: number,
): boolean {
  if (circuit.turn !== admission.turn) return false;
  if (admission.trial) circuit.trial = false;
  if (verdict === 'neither') return false;
  if (verdict === 'success') {
    const wasSpotless = circuit.failures === 0 && !admission.trial;
    circuit.failures = 0;
    if (admission.trial) {
      circuit.openedAt = null;
      circuit.turn += 1;
    }
    return !wasSpotless;
  }
  circuit.failures += 1;
  if (admission.trial || circuit.failures >= threshold) {
    circuit.openedAt = now;
    circuit.turn += 1;
  }
  return true;
}
