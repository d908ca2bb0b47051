import { join } from 'node:path';
import { BareRepository, type Author } from './bare-repository.ts';
import type { Fields } from './description.ts';
import type { App, Comment, Issue, Person, Pull, Repository, Role, Token } from './records.ts';

export interface NewRepository {
  readonly owner: string;
  readonly name: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly isPrivate?: boolean;
  readonly defaultBranch?: string;
  readonly deleteBranchOnMerge?: boolean;
  /** Who may do what, besides the owner. */
  readonly roles?: Readonly<Record<string, Role>>;
}

/** Something happened that GitHub would tell by a webhook. */
export interface Happening {
  readonly event: string;
  readonly action: string | null;
  readonly repository: Repository;
  readonly sender: string;
  readonly fields: () => Fields;
}

export type Effect =
  'pull' | 'comment' | 'merge' | 'review' | 'issue' | 'reference' | 'push' | 'label' | 'fork' | 'rerun';

/** Everything that this GitHub knows. One object, changed synchronously. */
export class GitHubState {
  readonly folder: string;
  readonly now: () => number;
  origin = '';
  api = '';
  readonly people = new Map<string, Person>();
  readonly repositories = new Map<string, Repository>();
  readonly tokens = new Map<string, Token>();
  readonly apps = new Map<number, App>();
  readonly projects = new Map<string, Project>();
  readonly effects = new Map<Effect, number>();
  readonly #listeners: ((happening: Happening) => void)[] = [];
  #lastId = 1000;

  constructor(folder: string, now: () => number) {
    this.folder = folder;
    this.now = now;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  count(effect: Effect): void {
    this.effects.set(effect, (this.effects.get(effect) ?? 0) + 1);
  }

  listen(listener: (happening: Happening) => void): void {
    this.#listeners.push(listener);
  }

  tell(happening: Happening): void {
    for (const listener of this.#listeners) listener(happening);
  }

  person(login: string, type: Person['type'] = 'User'): Person {
    const known = this.people.get(login.toLowerCase());
    if (known !== undefined) return known;
    const person: Person = { id: this.nextId(), login, type };
    this.people.set(login.toLowerCase(), person);
    return person;
  }

  author(login: string): Author {
    const { id } = this.person(login);
    return { name: login, email: `${id}+${login}@users.noreply.github.com` };
  }

  repository(owner: string, name: string): Repository | null {
    return this.repositories.get(`${owner}/${name}`.toLowerCase()) ?? null;
  }

  createRepository(wanted: NewRepository): Repository {
    const branch = wanted.defaultBranch ?? 'main';
    const bare = BareRepository.create(join(this.folder, wanted.owner, `${wanted.name}.git`), branch);
    this.person(wanted.owner);
    const repository = this.keep(wanted, bare, null);
    bare.commitFiles({
      branch,
      files: wanted.files ?? { 'README.md': `# ${wanted.name}\n` },
      message: 'Initial commit',
      author: this.author(wanted.owner),
      from: null,
      at: this.now(),
    });
    repository.knownBranches = bare.refs();
    return repository;
  }

  fork(source: Repository, owner: string, name: string): Repository {
    const bare = source.bare.clone(join(this.folder, owner, `${name}.git`));
    const wanted = { owner, name, defaultBranch: source.defaultBranch, isPrivate: source.isPrivate };
    const repository = this.keep(wanted, bare, source);
    repository.knownBranches = bare.refs();
    this.count('fork');
    return repository;
  }

  private keep(wanted: NewRepository, bare: BareRepository, forkOf: Repository | null): Repository {
    const repository: Repository = {
      id: this.nextId(),
      owner: wanted.owner,
      name: wanted.name,
      bare,
      forkOf,
      createdAt: this.now(),
      isPrivate: wanted.isPrivate ?? false,
      isArchived: false,
      defaultBranch: wanted.defaultBranch ?? 'main',
      allowMerge: true,
      allowSquash: true,
      allowRebase: true,
      deleteBranchOnMerge: wanted.deleteBranchOnMerge ?? false,
      roles: new Map(Object.entries({ [wanted.owner]: 'admin' as const, ...wanted.roles })),
      protections: new Map(),
      labels: new Map(),
      items: new Map(),
      checkRuns: [],
      workflowRuns: [],
      statuses: [],
      hooks: [],
      knownBranches: new Map(),
    };
    this.repositories.set(`${wanted.owner}/${wanted.name}`.toLowerCase(), repository);
    return repository;
  }

  /** What this person may do; people see public repositories without a role. */
  roleOf(login: string, repository: Repository): Role | null {
    for (const [name, role] of repository.roles) if (name.toLowerCase() === login.toLowerCase()) return role;
    return repository.isPrivate ? null : 'read';
  }

  may(login: string, repository: Repository, needed: Role): boolean {
    const order: readonly (Role | null)[] = [null, 'read', 'triage', 'write', 'maintain', 'admin'];
    return order.indexOf(this.roleOf(login, repository)) >= order.indexOf(needed);
  }

  pulls(repository: Repository): readonly Pull[] {
    return [...repository.items.values()].filter((item) => item.kind === 'pull');
  }

  addComment(item: Issue | Pull, author: string, body: string): Comment {
    const at = this.now();
    const comment: Comment = { id: this.nextId(), author, at, updatedAt: at, body };
    item.comments.push(comment);
    item.updatedAt = at;
    this.count('comment');
    return comment;
  }

  nextNumber(repository: Repository): number {
    return Math.max(0, ...repository.items.keys()) + 1;
  }
}

export interface Project {
  readonly id: string;
  readonly owner: string;
  readonly number: number;
  readonly title: string;
  readonly fields: readonly ProjectField[];
  readonly items: ProjectItem[];
}

export interface ProjectField {
  readonly id: string;
  readonly name: string;
  /** The options of a single select; null is text. */
  readonly options: readonly { readonly id: string; readonly name: string }[] | null;
}

export interface ProjectItem {
  readonly id: string;
  readonly content: Issue | Pull;
  readonly values: Map<string, string>;
}
