import { formatDuration } from '#shared/domain/duration.ts';
import type { Evidence } from '#shared/domain/evidence.ts';
import type { ReviewIssue } from '#shared/domain/stage.ts';

/** `npm test` → exit 0 at 1234e567 in 2 s. */
export function evidenceLine(evidence: Evidence): string {
  const ending = evidence.exitCode === null ? 'killed' : `exit ${evidence.exitCode}`;
  return `\`${evidence.argv.join(' ').replaceAll('`', "'")}\` → ${ending} at ${evidence.commit.slice(0, 8)} in ${formatDuration(evidence.durationMs)}`;
}

/** **major** src/app.js:12: what is wrong (rule). */
export function issueLine(issue: ReviewIssue): string {
  const place = issue.file ? ` ${issue.file}${issue.line ? `:${issue.line}` : ''}` : '';
  return `**${issue.severity}**${place}: ${issue.message.replace(/\s+/g, ' ')}${issue.rule ? ` (${issue.rule})` : ''}`;
}

/** A fence that no run of backticks in the text can close. */
export function fenced(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}

const spokenCommand =
  /(?<!npx )\bopus (?=(?:run|job|fr|trust|init|doctor|demo|approve|changes|reject|status|serve|service|backup)\b)/g;

/** Sentences from further in say `opus run FR-001`; `command` is how this installation is called. */
export function withCommand(sentence: string, command: string): string {
  return sentence.replace(spokenCommand, () => `${command} `);
}
