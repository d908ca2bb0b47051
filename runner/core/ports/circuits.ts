export type CircuitKind = 'agent' | 'forge';

/** `neither`, such as a run that was canceled, says nothing about the other side. */
export type CircuitVerdict = 'success' | 'failure' | 'neither';

export interface CircuitState {
  readonly kind: CircuitKind;
  readonly name: string;
  /** `half-open`: it has rested, and one trial decides. */
  readonly state: 'closed' | 'open' | 'half-open';
  /** When an open one has rested, in milliseconds since the epoch. */
  readonly until: number | null;
  /** In a row. */
  readonly failures: number;
}

/** Lets an agent or a forge that keeps failing rest. */
export interface Circuits {
  /**
   * Settles as `body` does. While the circuit is open, or another run is its trial, `body` is not called and this rejects
   * with `agent.circuit-open` or `forge.circuit-open`, whose `until` says when to ask again.
   */
  run<Result>(
    kind: CircuitKind,
    name: string,
    body: () => Promise<Result>,
    judge: (ended: PromiseSettledResult<Result>) => CircuitVerdict,
  ): Promise<Result>;
  /** When to ask again, in milliseconds since the epoch; null when `run` would call its body now. */
  blockedUntil(kind: CircuitKind, name: string): number | null;
  /** Of all that were ever run or remembered, by kind and name. */
  states(): readonly CircuitState[];
}
