import { formatDuration } from '#shared/domain/duration.ts';
import { formatGate } from '#shared/domain/gate.ts';
import { planResult, reviewResult } from '#shared/domain/stage.ts';
import type { Attempt, Job, RecordedDecision } from '../ports/job-registry.ts';
import type { DiffStat } from '../ports/worktrees.ts';
import type { ShownComment } from '../pull-request/shown-comments.ts';
import { redact } from '../redact.ts';
import { evidenceLine, fenced, issueLine, withCommand } from './lines.ts';

/** An agent may print what it likes: a report stays readable. */
const tailCharacters = 4_000;
/** Of one section, and of the whole, in characters: editors grow slow with more, and every device has to hold it. */
const sectionCharacters = 20_000;
/** A plan is read before it is approved. */
const planCharacters = 60_000;
const reportCharacters = 150_000;

export interface ReportFacts {
  readonly job: Job;
  readonly attempts: readonly Attempt[];
  readonly decisions: readonly RecordedDecision[];
  /** What was said of the pull request and is not obeyed. */
  readonly comments: readonly ShownComment[];
  /** Whether its pull request was a draft when last seen. */
  readonly isDraft: boolean;
  readonly stat: DiffStat | null;
  /** In what the job was less protected than it could be. */
  readonly weaker: readonly string[];
  readonly notTested: boolean;
  /** How the commands of this installation are called, e.g. `npx opus`. */
  readonly command: string;
  readonly now: number;
}

/** The run report: a note that says what happened, what was seen, and what a person can do now. */
export function runReport(facts: ReportFacts): string {
  const { job } = facts;
  const told = facts.attempts.filter(worthTelling).map((attempt) => capped(attemptSection(attempt)));
  const before = [
    frontmatter(job),
    `# ${job.id}: ${job.title}`,
    capped(standing(facts)),
    capped(warnings(facts)),
    capped(planSection(facts.attempts), planCharacters),
    capped(stageTable(facts)),
  ];
  const after = [
    capped(decisionsSection(facts.decisions)),
    capped(commentsSection(facts.comments)),
    capped(changeSection(facts.stat)),
  ];
  const room = reportCharacters - [...before, ...after].reduce((sum, part) => sum + part.length, 0);
  const parts = [...before, ...newest(told, room, facts), ...after];
  return redact(`${parts.filter((part) => part !== '').join('\n\n')}\n`);
}

/** The last sections that fit, with a word on those that do not: what happened last is what a person looks for. */
function newest(sections: readonly string[], room: number, { job, command }: ReportFacts): string[] {
  let first = sections.length;
  for (let left = room; first > 0; first -= 1) {
    left -= sections[first - 1]?.length ?? 0;
    if (left < 0) break;
  }
  if (first === 0) return [...sections];
  const word = first === 1 ? 'An earlier attempt is' : `${first} earlier attempts are`;
  return [`… ${word} left out here: \`${command} job log ${job.id}\``, ...sections.slice(first)];
}

/** Cut at the end of a line; a fence that was open there is closed. */
function capped(section: string, most = sectionCharacters): string {
  if (section.length <= most) return section;
  const kept = section.slice(0, most);
  const end = kept.lastIndexOf('\n');
  const lines = end > 0 ? kept.slice(0, end) : kept;
  const open = [...lines.matchAll(/^(`{3,})/gm)].map((match) => match[1] ?? '');
  const fence = open.length % 2 === 1 ? `\n${open.at(-1) ?? ''}` : '';
  return `${lines}${fence}\n\n… this is longer and was cut here.`;
}

function frontmatter(job: Job): string {
  return `---\ntype: run-report\njob: ${job.id}\nfr: "[[${noteName(job.notePath)}]]"\nstatus: ${job.status}\ntags:\n  - opus-run\n---`;
}

function noteName(path: string): string {
  return (path.split('/').at(-1) ?? path).replace(/\.md$/, '');
}

function standing({ job, command }: ReportFacts): string {
  if (job.gate !== null) {
    const id = job.featureRequestId;
    const short = job.gate.hash.slice(0, 8);
    return [
      `**Waiting for your decision** (\`${formatGate(job.gate)}\`).`,
      fenced(`${command} approve ${id}\n${command} changes ${id} --comment "…"\n${command} reject ${id}`, 'sh'),
      `Or write \`approve ${short}\`, \`changes ${short} …\` or \`reject ${short}\` into the note's \`decision\` and run \`${command} run ${id}\`. Look at the change with \`${command} job diff ${id}\`.`,
    ].join('\n\n');
  }
  if (job.status === 'succeeded')
    return `**Done.** Merged into ${job.base} as \`${(job.mergeCommit ?? '').slice(0, 8)}\`.`;
  if (job.error !== null) {
    const hint = job.error.hint === null ? '' : `\n\n${withCommand(job.error.hint, command)}`;
    return `**${job.status === 'waiting' ? 'A person is needed' : 'Ended'}.** ${job.error.message} (\`${job.error.code}\`)${hint}`;
  }
  if (job.status === 'canceled') return '**Canceled.**';
  return `**${job.status}**, at ${job.runState}.`;
}

function warnings(facts: ReportFacts): string {
  const lines = facts.weaker.map((weakness) => `> [!warning] **Weaker:** ${weakness}.`);
  const { pullRequest } = facts.job;
  if (facts.isDraft && pullRequest?.state === 'open')
    lines.push(`> [!note] The pull request #${pullRequest.number} is a draft; the merge makes it ready.`);
  if (facts.notTested) lines.push('> [!warning] No test command is configured: **nothing was tested**.');
  const refused = [...new Set(facts.attempts.flatMap((attempt) => attempt.refusedHosts))];
  if (refused.length > 0) lines.push(`> [!note] Refused network: ${refused.map((host) => `\`${host}\``).join(', ')}.`);
  return lines.join('\n\n');
}

function planSection(attempts: readonly Attempt[]): string {
  const plan = planResult.safeParse(
    attempts.findLast((attempt) => attempt.stage === 'plan' && attempt.status === 'passed')?.result,
  );
  if (!plan.success) return '';
  const steps = plan.data.steps.map((step, index) => {
    const files = step.files && step.files.length > 0 ? ` (${step.files.join(', ')})` : '';
    return `${index + 1}. ${step.title}${files}${step.details ? `\n   ${step.details.replace(/\s*\n\s*/g, '\n   ')}` : ''}`;
  });
  const risks = plan.data.risks?.map((risk) => `- Risk: ${risk}`) ?? [];
  return [`## Plan\n\n${plan.data.summary}`, steps.join('\n'), risks.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n');
}

function stageTable({ attempts, now }: ReportFacts): string {
  if (attempts.length === 0) return '';
  const rows = attempts.map((attempt) => {
    const duration = formatDuration(Math.max(0, (attempt.endedAt ?? now) - attempt.startedAt));
    const evidence = attempt.evidence
      .map((item) => (item.exitCode === null ? 'killed' : `exit ${item.exitCode}`))
      .join(', ');
    const commit = attempt.commit === null ? '' : `\`${attempt.commit.slice(0, 8)}\``;
    return `| ${attempt.stage} | ${attempt.round} | ${attempt.number} | ${attempt.agent ?? ''} | ${attempt.status} | ${duration} | ${evidence} | ${commit} |`;
  });
  return `## Stages\n\n| stage | round | attempt | agent | outcome | duration | evidence | commit |\n|---|---|---|---|---|---|---|---|\n${rows.join('\n')}`;
}

function worthTelling(attempt: Attempt): boolean {
  return attempt.error !== null || attempt.evidence.length > 0 || reviewResult.safeParse(attempt.result).success;
}

function attemptSection(attempt: Attempt): string {
  const title = `### ${attempt.stage}, round ${attempt.round}${attempt.number > 1 ? `, attempt ${attempt.number}` : ''}`;
  const parts = [title];
  if (attempt.error !== null) parts.push(`${attempt.error.message} (\`${attempt.error.code}\`)`);
  const review = reviewResult.safeParse(attempt.result);
  if (review.success) {
    parts.push(`**${review.data.verdict}** at confidence ${review.data.confidence}: ${review.data.summary}`);
    if (review.data.issues.length > 0)
      parts.push(review.data.issues.map((issue) => `- ${issueLine(issue)}`).join('\n'));
  }
  for (const evidence of attempt.evidence) {
    parts.push(evidenceLine(evidence));
    if (evidence.tail.trim() !== '') parts.push(fenced(evidence.tail.slice(-tailCharacters), 'text'));
  }
  return parts.join('\n\n');
}

function decisionsSection(decisions: readonly RecordedDecision[]): string {
  if (decisions.length === 0) return '';
  const lines = decisions.map(
    (decision) =>
      `- ${new Date(decision.at).toISOString()} ${decision.person} (${[decision.channel, decision.device].filter((part) => (part ?? '') !== '').join(', ')}): **${decision.kind}** ${formatGate(decision.gate)}${decision.comment === '' ? '' : `: ${decision.comment}`}`,
  );
  return `## Decisions\n\n${lines.join('\n')}`;
}

function commentsSection(comments: readonly ShownComment[]): string {
  if (comments.length === 0) return '';
  const parts = comments.map(({ author, body }) => `${author}:\n\n${fenced(body, 'text')}`);
  return `## Said on the pull request\n\nShown, and not obeyed.\n\n${parts.join('\n\n')}`;
}

function changeSection(stat: DiffStat | null): string {
  if (stat === null || stat.files.length === 0) return '';
  const rows = stat.files
    .slice(0, 200)
    .map((file) => `| ${file.path.replaceAll('|', '\\|')} | ${file.added ?? 'binary'} | ${file.removed ?? ''} |`);
  const more = stat.files.length > 200 ? `\n\n… and ${stat.files.length - 200} more files.` : '';
  return `## Change\n\n| file | + | − |\n|---|---|---|\n${rows.join('\n')}${more}\n\n${stat.files.length} ${stat.files.length === 1 ? 'file' : 'files'}, +${stat.added} −${stat.removed}`;
}
