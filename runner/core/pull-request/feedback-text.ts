import type { CheckFailure } from '../ports/pull-requests.ts';
import type { Remark } from './happening.ts';

/** What failed on the forge, for an agent: its words are data, fenced off from ours. */
export function checksText(failures: readonly CheckFailure[]): string {
  const parts = failures.map(({ check, job, step, tail, url }) => {
    const places = [job === null || job === check ? '' : `job ${job}`, step === null ? '' : `step ${step}`];
    const place = places.filter((part) => part !== '').join(', ');
    const where = place === '' ? '' : ` (${place})`;
    return `The check "${check}"${where} failed on the forge${url === null ? '' : `: ${url}`}\n\n${fenced(tail)}`;
  });
  return parts.join('\n\n');
}

/** What reviewers ask for, each with its place and the lines it is about. */
export function remarksText(remarks: readonly Remark[]): string {
  const parts = remarks.map(({ author, path, line, context, body }) => {
    const place = path === null ? 'the whole change' : `${path}${line === null ? '' : `:${line}`}`;
    const lines = context === null || context === '' ? '' : `${fenced(context)}\n\n`;
    return `${author} on ${place}:\n\n${lines}${fenced(body)}`;
  });
  return parts.length === 0
    ? ''
    : `Reviewers of the pull request ask for changes. Answer each with a change; a "suggestion" block is the text they propose for those lines.\n\n${parts.join('\n\n')}`;
}

/** A fence longer than any in the text, so that nothing in it ends it. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.trimEnd()}\n${fence}`;
}
