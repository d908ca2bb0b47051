import type { CommandHappening } from '../pull-request/commands.ts';
import type { Attempt, Job } from '../ports/job-registry.ts';
import { evidenceLine, withCommand } from './lines.ts';

/** What a command is answered with; `command` is how this installation is called. */
export function commandReply(
  happening: CommandHappening,
  job: Job,
  attempts: readonly Attempt[],
  command: string,
): string {
  const standing = standingText(job, attempts, command);
  switch (happening.command) {
    case 'explain':
      return standing;
    case 'cancel':
      return `${job.id} is canceled, as ${happening.author} asked.`;
    case 'retry':
      return happening.taken ? `${job.id} is tried again.` : `There is nothing to retry.\n\n${standing}`;
    case 'fix':
      if (happening.taken) return `${job.id} goes back to its coder with this.`;
      return happening.text === ''
        ? 'Say behind `fix` what is to be changed.'
        : `${job.id} cannot take this up as it stands.\n\n${standing}`;
  }
}

/** Where a job stands, what was seen of it, and what it waits for. */
function standingText(job: Job, attempts: readonly Attempt[], command: string): string {
  const tested = attempts.findLast(({ stage, evidence }) => stage === 'test' && evidence.length > 0);
  const last = attempts.at(-1);
  const lines = [
    `**${job.id}** is ${standingOf(job)}.`,
    ...(last === undefined ? [] : [`Its last stage was ${last.stage}, round ${last.round + 1}: ${last.status}.`]),
    ...(job.headCommit === null ? [] : [`Its commit is ${job.headCommit.slice(0, 8)} on \`${job.branch}\`.`]),
    ...(job.error === null ? [] : [withCommand(`${job.error.message} ${job.error.hint ?? ''}`.trim(), command)]),
  ];
  const seen = (tested?.evidence ?? []).slice(0, 20).map((evidence) => `- ${evidenceLine(evidence)}`);
  return [lines.join('\n'), ...(seen.length === 0 ? [] : [`Tests:\n${seen.join('\n')}`])].join('\n\n');
}

function standingOf(job: Job): string {
  if (job.gate?.kind === 'merge') return 'waiting for approval to be merged';
  if (job.gate !== null) return `waiting for a decision at the ${job.gate.kind} gate`;
  if (job.status === 'waiting')
    return `waiting for ${job.waitingFor === 'human' ? 'a person' : (job.waitingFor ?? 'its turn')}`;
  if (job.status === 'running' && job.runState === 'waiting') return 'about to go on';
  return job.status === 'running' ? `at work, in ${job.runState}` : job.status;
}
