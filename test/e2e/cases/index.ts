import type { Case } from '../../support/run-case.ts';
import { success } from './success.ts';

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly Case[];
}

/** Every row of docs/cases.md. */
export const caseGroups: readonly CaseGroup[] = [{ title: 'Work that succeeds', cases: success }];
