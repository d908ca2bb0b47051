import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { appRoutes } from './app-tokens.ts';
import { createCi, type Ci } from './ci.ts';
import { Faults, type Fault } from './faults.ts';
import { acting, type Acting } from './people.ts';
import { Quota } from './quota.ts';
import type { App, Protection, Repository, Role, Token } from './records.ts';
import { pullRoutes } from './routes-pulls.ts';
import { repositoryRoutes } from './routes-repositories.ts';
import { checkRoutes } from './routes-checks.ts';
import { issueRoutes } from './routes-issues.ts';
import { reviewRoutes } from './routes-reviews.ts';
import { listen, type Seen } from './server.ts';
import { GitHubState, type Effect, type NewRepository, type Project } from './state.ts';
import { Webhooks, type WebhookListener } from './webhooks.ts';

export interface StartGitHub {
  readonly layout?: 'enterprise' | 'root';
  readonly now?: () => number;
  /** Requests an hour of each token. */
  readonly limit?: number;
}

export interface NewToken {
  readonly kind?: 'classic' | 'fine-grained';
  readonly scopes?: readonly string[];
  readonly permissions?: Readonly<Record<string, 'read' | 'write'>>;
  readonly repositories?: readonly string[];
}

/** GitHub on loopback: real repositories, real state, each request and answer checked by GitHub's own description. */
export interface GitHub {
  readonly origin: string;
  readonly apiUrl: string;
  readonly graphqlUrl: string;
  readonly state: GitHubState;
  readonly quota: Quota;
  readonly faults: Faults;
  readonly webhooks: Webhooks;
  /** All requests so far, oldest first. */
  readonly seen: readonly Seen[];
  createRepository(repository: NewRepository): Repository;
  cloneUrl(repository: Repository): string;
  /** A token of this person; classic with `repo` and `workflow` where nothing else is said. */
  token(login: string, token?: NewToken): string;
  revoke(token: string): void;
  app(app: Omit<App, 'id' | 'installation'>): App;
  protect(repository: Repository, branch: string, protection?: Partial<Protection>): void;
  allow(repository: Repository, login: string, role: Role): void;
  as(login: string): Acting;
  ci(repository: Repository): Ci;
  project(owner: string, title: string, status: readonly string[]): Project;
  fail(fault: Fault): void;
  onWebhook(listener: WebhookListener): void;
  /** Requests by operation, since a moment of this GitHub's clock. */
  calls(since?: number): Readonly<Record<string, number>>;
  effects(effect: Effect): number;
  /** What GitHub's description does not allow, as told up to now; they are forgotten. */
  takeViolations(): readonly string[];
  /** Fails when something was not as GitHub describes it and nobody took that. */
  stop(): Promise<void>;
}

export async function startGitHub(options: StartGitHub = {}): Promise<GitHub> {
  const folder = mkdtempSync(join(tmpdir(), 'github-'));
  const state = new GitHubState(folder, options.now ?? Date.now);
  const quota = new Quota(state, options.limit ?? 5000);
  const faults = new Faults();
  const seen: Seen[] = [];
  const violations: string[] = [];
  const onViolation = (text: string): void => void violations.push(text);
  const webhooks = new Webhooks(state, onViolation);
  const layout = options.layout ?? 'enterprise';
  const routes = { ...repositoryRoutes, ...pullRoutes, ...reviewRoutes, ...issueRoutes, ...checkRoutes, ...appRoutes };
  const server = await listen({ state, quota, faults, routes, layout, onViolation, seen });

  function keepToken(login: string, given: NewToken): string {
    state.person(login);
    const kind = given.kind ?? 'classic';
    const token: Token = {
      value: `${kind === 'classic' ? 'ghp' : 'github_pat'}_${login}${state.nextId()}`,
      login,
      kind,
      scopes: new Set(given.scopes ?? ['repo', 'workflow']),
      permissions: new Map(Object.entries(given.permissions ?? {})),
      repositories: given.repositories === undefined ? null : new Set(given.repositories),
      expiresAt: null,
      isRevoked: false,
    };
    state.tokens.set(token.value, token);
    return token.value;
  }

  return {
    origin: state.origin,
    apiUrl: state.api,
    graphqlUrl: `${state.origin}${layout === 'enterprise' ? '/api/graphql' : '/graphql'}`,
    state,
    quota,
    faults,
    webhooks,
    seen,
    createRepository: (repository) => state.createRepository(repository),
    cloneUrl: (repository) => `${state.origin}/${repository.owner}/${repository.name}.git`,
    token: (login, token = {}) => keepToken(login, token),
    revoke(value) {
      const token = state.tokens.get(value);
      if (token !== undefined) token.isRevoked = true;
    },
    app(wanted) {
      const app: App = { ...wanted, id: state.nextId(), installation: state.nextId() };
      state.apps.set(app.id, app);
      return app;
    },
    protect(repository, branch, protection = {}) {
      repository.protections.set(branch, {
        requiredChecks: [],
        strict: false,
        requiredApprovals: 0,
        enforceAdmins: true,
        conversationResolution: false,
        ...protection,
      });
    },
    allow: (repository, login, role) => void repository.roles.set(state.person(login).login, role),
    as: (login) => acting(state, login),
    ci: (repository) => createCi(state, repository),
    project(owner, title, status) {
      const options = status.map((name) => ({ id: `option_${state.nextId()}`, name }));
      const project: Project = {
        id: `PVT_${state.nextId()}`,
        owner: state.person(owner).login,
        number: state.projects.size + 1,
        title,
        fields: [
          { id: `PVTSSF_${state.nextId()}`, name: 'Status', options },
          { id: `PVTF_${state.nextId()}`, name: 'Notes', options: null },
        ],
        items: [],
      };
      state.projects.set(project.id, project);
      return project;
    },
    fail: (fault) => {
      faults.add(fault);
    },
    onWebhook: (listener) => {
      webhooks.listen(listener);
    },
    calls(since = 0) {
      const counts: Record<string, number> = {};
      for (const { operation, at } of seen) if (at >= since) counts[operation] = (counts[operation] ?? 0) + 1;
      return counts;
    },
    effects: (effect) => state.effects.get(effect) ?? 0,
    takeViolations: () => violations.splice(0),
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
      if (violations.length > 0) throw new Error(`Not as GitHub describes it:\n${violations.join('\n')}`);
    },
  };
}
