import { OpusError } from '#shared/domain/errors.ts';
import { formatDuration } from '#shared/domain/duration.ts';
import type { CircuitKind, Circuits } from '../../core/ports/circuits.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { admit, closedCircuit, restLeft, settle, type Circuit } from './circuit.ts';
import { readSavedCircuits, type SavedCircuits } from './saved-circuits.ts';

export interface CircuitsOptions {
  /** Failures in a row after which a circuit opens. */
  readonly failures: () => number;
  /** Milliseconds that an open circuit rests. */
  readonly rest: () => number;
  readonly clock: Clock;
  /** What `save` was last given, as far as it survived. */
  readonly load: () => unknown;
  readonly save: (value: unknown) => void;
  /** Milliseconds of a clock that nobody can set. */
  readonly monotonic?: () => number;
}

interface NamedCircuit {
  readonly kind: CircuitKind;
  readonly name: string;
  readonly circuit: Circuit;
}

/** Circuit breakers without timers: an open one is asked for the time when somebody wants to run. */
export function createCircuits(options: CircuitsOptions): Circuits {
  const { clock } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  const known = new Map<string, NamedCircuit>();

  for (const { kind, name, failures, until } of loaded(options)) {
    const circuit = named(kind, name).circuit;
    circuit.failures = failures;
    // A clock that was set back meanwhile must not make the rest longer than a rest is.
    const rest = options.rest();
    const left = until === null ? 0 : Math.min(Math.max(0, until - clock.now()), rest);
    if (until !== null) circuit.openedAt = monotonic() - (rest - left);
  }

  function named(kind: CircuitKind, name: string): NamedCircuit {
    const key = `${kind} ${name}`;
    const found = known.get(key);
    if (found) return found;
    const made = { kind, name, circuit: closedCircuit() };
    known.set(key, made);
    return made;
  }

  function untilOf(circuit: Circuit): number | null {
    const left = restLeft(circuit, monotonic(), options.rest());
    return left === null ? null : clock.now() + left;
  }

  function blockedUntil(circuit: Circuit): number | null {
    const left = restLeft(circuit, monotonic(), options.rest());
    if (left === null || (left === 0 && !circuit.trial)) return null;
    // Nobody knows how long a trial takes; when it fails, the circuit rests again.
    return clock.now() + (left === 0 ? options.rest() : left);
  }

  function save(): void {
    const value: SavedCircuits = [...known.values()]
      .filter(({ circuit }) => circuit.failures > 0 || circuit.openedAt !== null)
      .map(({ kind, name, circuit }) => ({ kind, name, failures: circuit.failures, until: untilOf(circuit) }));
    try {
      options.save(value);
    } catch {
      // The outcome of a run must not be lost for it: a restart then begins with an older count.
    }
  }

  return {
    async run(kind, name, body, judge) {
      const { circuit } = named(kind, name);
      const admission = admit(circuit, monotonic(), options.rest());
      if (!admission) {
        const until = blockedUntil(circuit) ?? clock.now();
        throw isOpen(kind, name, circuit.failures, until, until - clock.now());
      }
      const [ended] = await Promise.allSettled([startOf(body)]);
      let verdict: ReturnType<typeof judge> = 'neither';
      try {
        verdict = judge(ended);
      } finally {
        if (settle(circuit, admission, verdict, monotonic(), options.failures())) save();
      }
      if (ended.status === 'rejected') throw ended.reason;
      return ended.value;
    },
    blockedUntil: (kind, name) => {
      const found = known.get(`${kind} ${name}`);
      return found ? blockedUntil(found.circuit) : null;
    },
    states: () =>
      [...known.values()]
        .map(({ kind, name, circuit }) => {
          const left = restLeft(circuit, monotonic(), options.rest());
          const state = left === null ? 'closed' : left > 0 ? 'open' : 'half-open';
          const until = state === 'open' ? untilOf(circuit) : null;
          return { kind, name, state, until, failures: circuit.failures } as const;
        })
        .sort((left, right) => (`${left.kind} ${left.name}` < `${right.kind} ${right.name}` ? -1 : 1)),
  };
}

/** A body that throws before it has made a promise rejects like any other. */
async function startOf<Result>(body: () => Promise<Result>): Promise<Result> {
  return body();
}

function loaded(options: CircuitsOptions): SavedCircuits {
  try {
    return readSavedCircuits(options.load());
  } catch {
    return [];
  }
}

function isOpen(kind: CircuitKind, name: string, failures: number, until: number, left: number): OpusError {
  const what = kind === 'agent' ? `The agent ${name}` : `The forge ${name}`;
  const times = failures === 1 ? 'failed' : `failed ${failures} times in a row`;
  return new OpusError(
    kind === 'agent' ? 'agent.circuit-open' : 'forge.circuit-open',
    `${what} ${times} and rests; it is tried again in ${formatDuration(Math.ceil(left / 1000) * 1000)}.`,
    { hint: 'The log of its last job says why it fails.', details: { kind, name, failures, until }, until },
  );
}
