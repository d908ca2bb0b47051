import type { DecisionDocument, JobDocument } from '#shared/domain/job.ts';
import { weaknessSentence } from '../core/weaker.ts';
import type { ShownComment } from '../core/pull-request/shown-comments.ts';
import type { LocatedConfig } from './configuration.ts';
import { standingOf, stageTable } from './job-table.ts';
import { inThisInstallation } from './program-name.ts';
import { plainLine } from './plain-text.ts';
import type { Terminal } from './terminal.ts';

export interface JobNames {
  readonly title: string;
  readonly base: string;
  /** Some process works on jobs here now. */
  readonly isWorkedOn: boolean;
  /** Where a person has the work. */
  readonly checkout?: string | null;
  /** What was said of the pull request and is not obeyed. */
  readonly comments?: readonly ShownComment[];
  /** Whether its pull request was a draft when last seen. */
  readonly isDraft?: boolean;
}

/** What a person wants to know of a job, and what to do next. */
export function jobLines(terminal: Terminal, job: JobDocument, names: JobNames, located: LocatedConfig): string[] {
  const lines = [
    `${terminal.paint('out', 'bold', job.job)}  ${plainLine(names.title)}`,
    standingLine(terminal, job, names.isWorkedOn),
    '',
  ];
  if (job.stages.length > 0) lines.push(...stageTable(terminal, job), '');
  if (job.branch !== null && job.commit !== null) {
    const merged = job.status === 'succeeded';
    lines.push(
      merged
        ? `merged        ${job.commit.slice(0, 8)} into ${names.base}`
        : `branch        ${job.branch} at ${job.commit.slice(0, 8)}`,
    );
  }
  if (job.pr !== null) {
    const state = names.isDraft === true && job.pr.state === 'open' ? 'a draft' : job.pr.state;
    lines.push(`pull request  #${job.pr.number} ${state}, ${plainLine(job.pr.url)}`);
  }
  for (const { author, body } of names.comments ?? [])
    lines.push(`comment       ${plainLine(author)}: ${plainLine(body)}`);
  for (const weakness of job.weaker)
    lines.push(`weaker        ${terminal.paint('out', 'yellow', plainLine(weaknessSentence(weakness), 500))}`);
  for (const decision of job.decisions) lines.push(`decided       ${plainLine(decisionLine(decision), 500)}`);
  if (job.gate?.startsWith('merge@') === true && job.leftToPerson.length > 0)
    lines.push(`left to you   ${plainLine(job.leftToPerson.join('; '), 500)}`);
  if (job.error !== null) lines.push(`said          ${plainLine(job.error.message, 2_000)} (${job.error.code})`);
  if (job.error?.hint != null)
    lines.push(`              ${plainLine(inThisInstallation(job.error.hint, terminal), 2_000)}`);
  const next = nextSteps(job, located, names);
  if (next.length > 0) {
    const width = Math.max(...next.map(([command]) => command.length));
    lines.push('', terminal.paint('out', 'bold', 'Next'));
    for (const [command, what] of next)
      lines.push(`  ${command.padEnd(width)}  ${terminal.paint('out', 'dim', what)}`.trimEnd());
  }
  return lines.filter((line, at) => line !== '' || lines[at - 1] !== '');
}

function decisionLine({ kind, gate, comment, person, device, channel }: DecisionDocument): string {
  const way = [channel, device].filter((part) => part !== null).join(', ');
  return `${kind} ${gate} by ${person} (${way})${comment === '' ? '' : `: ${comment}`}`;
}

function standingLine(terminal: Terminal, job: JobDocument, isWorkedOn: boolean): string {
  if (job.status === 'succeeded') return terminal.paint('out', 'green', 'done');
  const gate = job.gate === null ? '' : ` (${job.gate})`;
  return terminal.paint('out', job.status === 'failed' ? 'red' : 'yellow', `${standingOf(job, isWorkedOn)}${gate}`);
}

type Step = readonly [command: string, what: string];

/** The commands that make sense for a job as it stands. */
export function nextSteps(
  job: JobDocument,
  located: Pick<LocatedConfig, 'command'>,
  names: Pick<JobNames, 'isWorkedOn' | 'checkout'> = { isWorkedOn: false },
): Step[] {
  const { command } = located;
  const lookOn: Step = names.isWorkedOn
    ? [command('status --watch'), 'look on']
    : [command(`run ${job.fr}`), 'go on in the foreground'];
  if (job.gate !== null) {
    if (job.gate.startsWith('question@')) {
      return [
        [command(`answer ${job.fr} --comment "…"`), 'answer it; the agent goes on'],
        [command(`reject ${job.fr}`), 'end the job'],
      ];
    }
    if (job.gate.startsWith('budget@')) {
      return [
        [command(`metrics --job ${job.job}`), 'what was spent, on which models'],
        [command(`approve ${job.fr}`), 'let it spend as much again'],
        [command(`reject ${job.fr}`), 'end the job'],
      ];
    }
    const plan = job.gate.startsWith('plan@');
    const approval = job.gate.startsWith('ci@') ? 'let it be pushed, with what the forge then runs' : 'merge it';
    return [
      plan
        ? [command(`job log ${job.job} --stage plan`), 'look at the plan']
        : [command(`job diff ${job.job}`), 'look at the change'],
      [command(`approve ${job.fr}`), plan ? 'let it be built' : approval],
      [command(`changes ${job.fr} --comment "…"`), 'send it back with a comment'],
      [command(`reject ${job.fr}`), 'close it'],
    ];
  }
  switch (job.status) {
    case 'waiting':
      if (job.waitingFor === 'slot') return [lookOn];
      if (job.waitingFor !== 'human')
        return [lookOn, [command(`job unblock ${job.job}`), 'do not wait for it any longer']];
      return [
        [command(`job log ${job.job}`), 'what the agents and tests printed'],
        [command(`job retry ${job.job}${roundsOption(job)}`), 'go on from the stage that failed'],
        [command(`run ${job.fr} --again`), 'begin anew'],
      ];
    case 'queued':
    case 'running':
      return [lookOn];
    case 'paused':
      if (job.waitingFor === 'slot') return [lookOn];
      return (names.checkout ?? null) === null
        ? [[command(`job resume ${job.job}`), 'go on']]
        : [[command(`job return ${job.job}`), 'go on with what you committed']];
    case 'failed':
    case 'canceled':
      return [[command(`run ${job.fr} --again`), 'begin anew']];
    case 'succeeded':
      return [];
  }
}

function roundsOption(job: JobDocument): string {
  return job.error?.code === 'stage.rounds-exhausted' ? ' --rounds 2' : '';
}
