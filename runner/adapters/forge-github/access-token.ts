import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import type { GithubConfig, SecretReference } from '../../core/configuration.ts';
import type { Clock } from '../../core/ports/clock.ts';

/** What authorizes calls to one repository. */
export interface Tokens {
  /** Whether a refused one can be replaced by a fresh one. */
  readonly canRenew: boolean;
  current(): Promise<string>;
  renewed(): Promise<string>;
  /** What the installation of an app may; null for a token, which does not say. */
  permissions(): Promise<Readonly<Record<string, string>> | null>;
  /** Who writes, as the REST API spells it. */
  login(): Promise<string>;
}

interface TokenOptions {
  readonly clock: Clock;
  readonly resolveSecret: (reference: SecretReference, use: string) => string;
  ask(request: {
    readonly doing: string;
    readonly method: string;
    readonly url: string;
    readonly parameters?: Readonly<Record<string, unknown>>;
    readonly authorization: string;
  }): Promise<{ readonly data: unknown }>;
}

interface Installation {
  readonly token: string;
  readonly permissions: Readonly<Record<string, string>>;
  readonly expiresAt: number;
}

/** A token that ends this soon is not begun with: a push may take a while. */
const marginMs = 5 * 60_000;

const installationAnswer = z.object({ id: z.int() });
const tokenAnswer = z.object({
  token: z.string(),
  expires_at: z.string(),
  permissions: z.optional(z.record(z.string(), z.string())),
});
const loginAnswer = z.object({ login: z.string() });
const appAnswer = z.object({ slug: z.string() });

export function createTokens(settings: GithubConfig, options: TokenOptions): Tokens {
  const { credentials } = settings;
  return credentials.kind === 'token'
    ? plainTokens(settings, credentials.token, options)
    : appTokens(settings, credentials, options);
}

function plainTokens(settings: GithubConfig, reference: SecretReference, options: TokenOptions): Tokens {
  let known: { readonly token: string; readonly login: string } | null = null;
  // Read anew each time, so that a replaced token counts without a restart.
  const read = (): string => options.resolveSecret(reference, `the repository ${settings.repo}`);
  return {
    canRenew: false,
    current: () => Promise.resolve().then(read),
    renewed: () => Promise.resolve().then(read),
    permissions: () => Promise.resolve(null),
    async login() {
      const token = read();
      if (known?.token === token) return known.login;
      const { data } = await options.ask({
        doing: 'see who writes',
        method: 'GET',
        url: '/user',
        authorization: `token ${token}`,
      });
      known = { token, login: loginAnswer.parse(data).login };
      return known.login;
    },
  };
}

function appTokens(
  settings: GithubConfig,
  credentials: { readonly id: string; readonly key: SecretReference },
  options: TokenOptions,
): Tokens {
  const [owner = '', name = ''] = settings.repo.split('/');
  let held: Installation | null = null;
  let pending: Promise<Installation> | null = null;
  let slug: string | null = null;

  async function asApp(): Promise<string> {
    const { createAppAuth } = await import('@octokit/auth-app');
    const privateKey = options.resolveSecret(credentials.key, `the GitHub App of ${settings.repo}`);
    try {
      const authenticate = createAppAuth({ appId: credentials.id, privateKey });
      return `bearer ${(await authenticate({ type: 'app' })).token}`;
    } catch {
      throw new OpusError('forge.unauthorized', `The key of the GitHub App of ${settings.repo} cannot be used.`, {
        hint: 'It is the PEM file that GitHub made under "Private keys" of the app: github.app.key: file:PATH',
      });
    }
  }

  async function fresh(): Promise<Installation> {
    const authorization = await asApp();
    const found = await options
      .ask({
        doing: 'find the installation of the app',
        method: 'GET',
        url: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(name)}/installation`,
        authorization,
      })
      .catch((thrown: unknown) => {
        if (!(thrown instanceof OpusError && thrown.code === 'forge.not-found')) throw thrown;
        throw new OpusError(
          'forge.forbidden',
          `The GitHub App ${credentials.id} is not installed on ${settings.repo}.`,
          {
            hint: 'Install it there: "Install App" in its settings on GitHub. Or correct github.repo in opus.yml.',
          },
        );
      });
    const { data } = await options.ask({
      doing: 'get a token of the app',
      method: 'POST',
      url: `/app/installations/${installationAnswer.parse(found.data).id}/access_tokens`,
      // Whoever gets hold of it can reach this one repository.
      parameters: { repositories: [name] },
      authorization,
    });
    const { token, expires_at: end, permissions = {} } = tokenAnswer.parse(data);
    return { token, permissions, expiresAt: Date.parse(end) };
  }

  function renew(): Promise<Installation> {
    pending ??= fresh()
      .then((installation) => (held = installation))
      .finally(() => {
        pending = null;
      });
    return pending;
  }

  const installation = async (): Promise<Installation> =>
    held !== null && held.expiresAt - marginMs > options.clock.now() ? held : renew();

  return {
    canRenew: true,
    current: async () => (await installation()).token,
    renewed: async () => (await renew()).token,
    permissions: async () => (await installation()).permissions,
    async login() {
      if (slug === null) {
        const { data } = await options.ask({
          doing: 'see who writes',
          method: 'GET',
          url: '/app',
          authorization: await asApp(),
        });
        slug = appAnswer.parse(data).slug;
      }
      return `${slug}[bot]`;
    },
  };
}
