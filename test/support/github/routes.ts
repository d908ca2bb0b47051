import type { Fields } from './description.ts';
import type { Quota } from './quota.ts';
import type { Issue, Pull, Repository, Role, Token } from './records.ts';
import { Refusal } from './refusal.ts';
import type { GitHubState } from './state.ts';

export interface Call {
  readonly state: GitHubState;
  readonly token: Token | null;
  readonly login: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: Fields;
  readonly accept: string;
  readonly quota: Quota;
  /** Of operations below /repos/{owner}/{repo}. */
  readonly repository: Repository;
  /** Of operations that a GitHub App does as itself. */
  readonly app: number | null;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Cut into pages; `wrap` puts a page into the object that GitHub answers with. */
  readonly list?: readonly unknown[];
  readonly wrap?: (page: readonly unknown[], total: number) => Fields;
  readonly text?: string;
}

export interface Route {
  /** What a fine-grained token needs. */
  readonly permission?: readonly [area: string, level: 'read' | 'write'];
  /** What the person needs in the repository. */
  readonly role?: Role;
  /** Who may call it at all, where that is not any token. */
  readonly caller?: 'app' | 'installation';
  readonly run: (call: Call) => Answer;
}

export type Routes = Readonly<Record<string, Route>>;

export function reads(area: string, run: Route['run']): Route {
  return { permission: [area, 'read'], role: 'read', run };
}

export function writes(area: string, run: Route['run'], role: Role = 'write'): Route {
  return { permission: [area, 'write'], role, run };
}

export function notFound(): Refusal {
  return new Refusal(404, 'Not Found');
}

export function invalidField(resource: string, field: string, code = 'invalid'): Refusal {
  return new Refusal(422, 'Validation Failed', { errors: [{ resource, field, code }] });
}

export function itemOf(call: Call, parameter: string): Issue | Pull {
  const item = call.repository.items.get(Number(call.params[parameter]));
  if (item === undefined) throw notFound();
  return item;
}

export function pullOf(call: Call): Pull {
  const item = itemOf(call, 'pull_number');
  if (item.kind !== 'pull') throw notFound();
  return item;
}

/** A branch's name, a tag's, or a commit, as GitHub takes a `ref`. */
export function commitOf(call: Call, name: string): string {
  const commit = call.repository.bare.branch(name.replace(/^(refs\/)?heads\//, '')) ?? resolved(call.repository, name);
  if (commit === null) throw new Refusal(422, `No commit found for SHA: ${name}`);
  return commit;
}

function resolved(repository: Repository, name: string): string | null {
  return name.startsWith('-') ? null : repository.bare.tryGit('rev-parse', '--verify', '--quiet', `${name}^{commit}`);
}

export function textOf(body: Fields, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' ? value : undefined;
}

export function textsOf(body: Fields, name: string): readonly string[] {
  const value = body[name];
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
