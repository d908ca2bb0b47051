import type { GateKind } from '../../domain/gate.ts';

/** What is asked, in a person's words. */
export const gateQuestions: Readonly<Record<GateKind, string>> = {
  plan: 'Approve the plan?',
  merge: 'Approve the merge?',
  question: 'The agent asks a question.',
  budget: 'The budget is spent. Go on?',
  ci: 'The change touches what the forge runs. Push it?',
};
