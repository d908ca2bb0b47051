import type { ErrorCode } from '#shared/domain/errors.ts';
import type { Expectation } from '../../support/run-case.ts';

/** The ends that many cases come to. */

export const atTheGate: Expectation = {
  note: 'in-review',
  job: 'waiting',
  waitingFor: 'approval',
  exit: 0,
  code: '',
  sentence: 'Waiting for your decision (`merge@…`).',
};

export const merged: Expectation = {
  note: 'done',
  job: 'succeeded',
  waitingFor: '',
  exit: 0,
  code: '',
  sentence: 'Done. Merged into main as `…`.',
};

export const rejected: Expectation = {
  note: 'rejected',
  job: 'canceled',
  waitingFor: '',
  exit: 0,
  code: '',
  sentence: 'Canceled.',
};

export function needsHuman(code: ErrorCode, sentence: string): Expectation {
  return { note: 'needs-human', job: 'waiting', waitingFor: 'human', exit: 3, code, sentence };
}

/** Nothing was begun. */
export function refused(note: string, exit: number, code: ErrorCode, sentence: string): Expectation {
  return { note, job: '', waitingFor: '', exit, code, sentence };
}
