import type { RunnerProblem } from '#shared/protocol/runner-status.ts';
import type { EngineDependencies } from './stage-context.ts';
import type { NoteChange, Trust } from './trust.ts';

export interface CodeNoteWatch {
  /** Puts edited agent and policy notes in force where nobody has to confirm them. A broken one is refused, and what was in force stays. */
  look(): Promise<void>;
  /** What is wrong with edited notes, or waits for a person's word. */
  problems(): readonly RunnerProblem[];
  /** How many notes were not in force as they are, at the last look. */
  unconfirmed(): number;
}

export function createCodeNoteWatch(
  trust: Trust,
  { config, log }: Pick<EngineDependencies, 'config' | 'log'>,
): CodeNoteWatch {
  let problems: readonly RunnerProblem[] = [];
  let said = '';
  return {
    async look() {
      let changes = (await trust.changes()).filter(({ state }) => state !== 'confirmed');
      if (config.trust === 'auto' && changes.some((change) => change.problems.length === 0)) {
        await trust.confirm('all');
        changes = (await trust.changes()).filter(({ state }) => state !== 'confirmed');
      }
      problems = changes.map((change) => problemOf(change, config.command));
      const sentences = problems.map(({ message }) => message).join(' ');
      if (sentences !== said && sentences !== '') log.warn({}, sentences);
      said = sentences;
    },
    problems: () => problems,
    unconfirmed: () => problems.length,
  };
}

function problemOf({ path, state, problems }: NoteChange, command: string): RunnerProblem {
  const [first] = problems;
  if (first) {
    return {
      code: 'config.invalid',
      message: `${path}:${first.line} is not taken, what was in force stays: ${first.message}`,
      hint: first.hint,
    };
  }
  return {
    code: 'config.untrusted',
    message: `${path} is ${state} and not in force, since nobody has confirmed it.`,
    hint: `Look and confirm with: ${command} trust`,
  };
}
