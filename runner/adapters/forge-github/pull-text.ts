import type { OpenPullRequest } from '../../core/ports/forge.ts';

const mostOfTitle = 256;
const mostOfBody = 60_000;

/** Title and description as GitHub takes them; the job's name in it, unseen, tells whose the pull request is. */
export function pullText(request: OpenPullRequest): { readonly title: string; readonly body: string } {
  const { closes, job } = request;
  const text = request.body.trimEnd();
  const parts = [
    text.length > mostOfBody ? `${text.slice(0, mostOfBody)}\n\n(cut)` : text,
    ...(closes === undefined || new RegExp(`^closes #${closes}$`, 'im').test(text) ? [] : [`Closes #${closes}`]),
    `<!-- Opus-Job: ${job} -->`,
  ];
  const title = request.title.replaceAll(/\s+/g, ' ').trim();
  return {
    title: title.length > mostOfTitle ? `${title.slice(0, mostOfTitle - 1)}…` : title,
    body: parts.join('\n\n'),
  };
}

export function isMarked(body: string | null | undefined): boolean {
  return /<!-- Opus-Job: \S+ -->/.test(body ?? '');
}

/** Whether two texts differ for a reader: GitHub may change line ends. */
export function isSameText(one: string | null | undefined, other: string): boolean {
  const plain = (text: string): string => text.replaceAll('\r\n', '\n').trimEnd();
  return plain(one ?? '') === plain(other);
}
