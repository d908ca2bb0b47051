import { shortHash } from './ids.ts';

export const gateKinds = ['plan', 'merge', 'question', 'budget', 'ci'] as const;
export type GateKind = (typeof gateKinds)[number];

/** `hash` is the hash of exactly what a person is shown: the head commit at a merge gate. */
export interface Gate {
  readonly kind: GateKind;
  readonly hash: string;
}

export const decisionKinds = ['approve', 'changes', 'reject'] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/** What a person answers at a gate. */
export interface Decision {
  readonly kind: DecisionKind;
  readonly comment: string;
}

/** `merge@1234e567`, as the note's `gate` key and the job document spell it. */
export function formatGate(gate: Gate): string {
  return `${gate.kind}@${shortHash(gate.hash)}`;
}

/** Whether a person who was shown `merge@1234e567`, or more of the hash, was shown this gate. */
export function isShownGate(gate: Gate, shown: string): boolean {
  const [kind, hash = ''] = shown.split('@');
  return kind === gate.kind && hash.length >= 8 && gate.hash.startsWith(hash);
}

/**
 * `approve 1234e567`, `Approve merge@1234e567`, `changes 1234e567 please rename it`; null when the text has not that shape.
 * Phones begin with a capital letter, and people copy the gate as it stands in the note.
 */
export function parseNoteDecision(text: string): (Decision & { readonly hash: string }) | null {
  const match = /^\s*(approve|changes|answer|reject)(?:\s+(?:[a-z]+@)?([0-9a-f]{8,64}))?(?:\s+([\s\S]*\S))?\s*$/i.exec(
    text,
  );
  // The answer to a question goes back with its words, as changes do.
  const word = match?.[1]?.toLowerCase().replace('answer', 'changes');
  const kind = decisionKinds.find((candidate) => candidate === word);
  if (!match || !kind) return null;
  return { kind, hash: match[2]?.toLowerCase() ?? '', comment: match[3] ?? '' };
}
