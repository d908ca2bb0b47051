import type { Case } from '../../support/run-case.ts';
import { agents } from './agents.ts';
import { attacks } from './attacks.ts';
import { commandLine } from './command-line.ts';
import { decisions } from './decisions.ts';
import { merging } from './merging.ts';
import { refusals } from './refusals.ts';
import { success } from './success.ts';

export interface CaseGroup {
  readonly title: string;
  readonly cases: readonly Case[];
}

/** Every row of docs/cases.md. */
export const caseGroups: readonly CaseGroup[] = [
  { title: 'The work goes well', cases: success },
  { title: 'The agent or its work fails', cases: agents },
  { title: 'The agent is hostile', cases: attacks },
  { title: 'The base moves', cases: merging },
  { title: 'A person decides', cases: decisions },
  { title: 'Before anything is begun', cases: refusals },
  { title: 'By the command line', cases: commandLine },
];
