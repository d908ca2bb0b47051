import { OpusError } from './errors.ts';

/** An FR's id becomes a path and a branch, so only this shape is accepted unless configured otherwise. */
export const defaultIdPattern = '^[A-Z][A-Z0-9]*-\\d+$';

/** A configured pattern may be wider than the default; whatever it says, these never pass. */
export function isSafeId(id: string, pattern: string = defaultIdPattern): boolean {
  return (
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(id) &&
    !id.includes('..') &&
    !id.endsWith('.lock') &&
    !id.endsWith('.') &&
    new RegExp(pattern, 'u').test(id)
  );
}

export function jobId(featureRequestId: string, number: number): string {
  return `${featureRequestId}-${number}`;
}

/** `FR-012-3` → `{ featureRequestId: 'FR-012', number: 3 }`; `null` when it has not that shape. */
export function parseJobId(id: string): { featureRequestId: string; number: number } | null {
  const match = /^(.+)-(\d+)$/.exec(id);
  if (!match?.[1] || !match[2]) return null;
  return { featureRequestId: match[1], number: Number(match[2]) };
}

/** Lower-case ASCII words joined by hyphens, at most 40 characters; empty when the title has none. */
export function slug(title: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '');
  return words.slice(0, 40).replace(/-+$/, '');
}

export function branchName(job: string, title: string): string {
  const words = slug(title);
  return words === '' ? `opus/${job}` : `opus/${job}-${words}`;
}

/** The job id in a branch name that `branchName` made for this FR; `null` for any other branch. */
export function jobNumberOfBranch(branch: string, featureRequestId: string): number | null {
  const prefix = `opus/${featureRequestId}-`;
  if (!branch.startsWith(prefix)) return null;
  const match = /^(\d+)(?:-|$)/.exec(branch.slice(prefix.length));
  return match?.[1] ? Number(match[1]) : null;
}

/** The eight characters by which people name a commit or a hash at a gate. */
export function shortHash(hash: string): string {
  if (!/^[0-9a-f]{8,}$/.test(hash)) throw new OpusError('internal.unexpected', `Not a hash: ${hash.slice(0, 40)}`);
  return hash.slice(0, 8);
}
