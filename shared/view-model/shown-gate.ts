import { gateKinds, type GateKind } from '../domain/gate.ts';
import type { BoardJob } from '../protocol/board.ts';

/** What a decision about a job is bound to. */
export interface ShownGate {
  readonly kind: GateKind;
  /** `merge@1234e567`, as the note spells it. */
  readonly short: string;
  /** With all of the hash, as it is sent. */
  readonly full: string;
  readonly shortHash: string;
  readonly hash: string;
  /** What exactly is decided about. */
  readonly boundTo: string;
}

const boundTo: Readonly<Record<GateKind, string>> = {
  plan: 'the plan',
  merge: 'the commit',
  question: 'the question',
  budget: 'the amount that was spent by then',
  ci: 'the commit, which changes what the forge runs',
};

/** Null while no decision is asked for. */
export function gateOf(job: Pick<BoardJob, 'gate' | 'gateHash'>): ShownGate | null {
  const [kindName, short] = job.gate?.split('@') ?? [];
  const kind = gateKinds.find((known) => known === kindName);
  if (kind === undefined || short === undefined) return null;
  const hash = job.gateHash ?? short;
  return {
    kind,
    short: `${kind}@${short}`,
    full: `${kind}@${hash}`,
    shortHash: short,
    hash,
    boundTo: `${boundTo[kind]} ${short}`,
  };
}
