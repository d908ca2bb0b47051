import { isFinished } from '#shared/domain/job.ts';
import type { Job } from '../ports/job-registry.ts';
import type { ObservedComment } from '../ports/pull-requests.ts';
import type { Happening, RecordedHappening } from './happening.ts';
import { commandIn, type SpokenCommand } from './spoken-command.ts';

export type CommandHappening = Extract<Happening, { kind: 'command' }>;

export interface CommandFacts {
  /** Logins that may steer. */
  readonly maySteer: (login: string) => boolean;
  /** Our own login; what it writes is never obeyed. */
  readonly self: string | null;
  /** The name by which we are spoken to, without its @. */
  readonly mention: string;
}

/** Of comments that say something to us, who wrote them. */
export function commanders(comments: readonly ObservedComment[], mention: string): string[] {
  const speaking = comments.filter(
    ({ key, isBot, body }) => key === null && !isBot && commandIn(body, mention) !== null,
  );
  return [...new Set(speaking.map(({ author }) => author))];
}

/**
 * The next command to take up; null when there is none. One comment is one command, once, however it is edited. `fix`
 * waits until the job is at rest; what cannot be done as things stand is recorded as not taken. Strangers get no answer.
 */
export function nextCommand(
  job: Pick<Job, 'id' | 'status' | 'waitingFor' | 'gate' | 'createdAt'>,
  comments: readonly ObservedComment[],
  recorded: readonly RecordedHappening[],
  facts: CommandFacts,
): { readonly key: string; readonly happening: CommandHappening } | null {
  if (isFinished(job.status)) return null;
  const known = new Set(recorded.map(({ key }) => key));
  for (const { id, author, body, key: ours, isBot, at } of comments) {
    const key = `command:${id}`;
    // What was said before this job began was said of another one.
    if (ours !== null || isBot || author === facts.self || at < job.createdAt || known.has(key)) continue;
    const said = commandIn(body, facts.mention);
    if (said === null || !facts.maySteer(author)) continue;
    const taken = isTaken(job, said);
    if (taken === 'later') continue;
    return { key, happening: { kind: 'command', ...said, comment: id, author, taken } };
  }
  return null;
}

function isTaken(job: Pick<Job, 'status' | 'waitingFor' | 'gate'>, said: SpokenCommand): boolean | 'later' {
  const isStopped = job.status === 'waiting' && job.waitingFor === 'human';
  switch (said.command) {
    case 'explain':
    case 'cancel':
      return true;
    case 'retry':
      return isStopped;
    case 'fix':
      if (said.text === '') return false;
      if (isStopped || job.gate?.kind === 'merge') return true;
      return job.gate === null ? 'later' : false;
  }
}
