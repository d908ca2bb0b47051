import type { RepositoryAddress } from '../../core/ports/worktrees.ts';

/** Whether git reaches this repository over http on the server whose API this is. */
export function isOnServer(url: string, api: URL): boolean {
  const address = parsed(url);
  if (address === null || (address.protocol !== 'https:' && address.protocol !== 'http:')) return false;
  if (address.protocol === 'http:' && api.protocol !== 'http:') return false;
  const { host } = api;
  return address.host === host || (host.startsWith('api.') && address.host === host.slice('api.'.length));
}

/** The same server's address of another repository. */
export function addressOf(repository: RepositoryAddress, repo: string, other: string): RepositoryAddress | null {
  const [, start, end] = new RegExp(`^(.*[:/])${escaped(repo)}((?:\\.git)?/?)$`, 'i').exec(repository.url) ?? [];
  return start === undefined ? null : { name: repository.name, url: `${start}${other}${end ?? ''}` };
}

function parsed(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
