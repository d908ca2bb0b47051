import { createVerify } from 'node:crypto';
import type { Fields } from './description.ts';
import type { App, Token } from './records.ts';
import { Refusal } from './refusal.ts';
import { notFound, type Call, type Routes } from './routes.ts';
import type { GitHubState } from './state.ts';
import { personView, stamp } from './views.ts';

/** The App whose key signed this request's JSON web token. */
export function checkedApp(state: GitHubState, authorization: string | undefined): App {
  const [head = '', payload = '', signature = ''] = (authorization ?? '').replace(/^bearer /i, '').split('.');
  const claims = decoded(payload);
  const app = state.apps.get(Number(claims['iss']));
  if (app === undefined) throw new Refusal(401, 'A JSON web token could not be decoded');
  const isSigned = createVerify('RSA-SHA256')
    .update(`${head}.${payload}`)
    .verify(app.publicKey, Buffer.from(signature, 'base64url'));
  if (!isSigned) throw new Refusal(401, 'A JSON web token could not be decoded');
  const now = state.now() / 1000;
  const expires = Number(claims['exp']);
  if (expires <= now) throw new Refusal(401, "'Expiration time' claim ('exp') must be a numeric value in the future");
  if (expires > now + 660) throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  return app;
}

function decoded(payload: string): Fields {
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Fields;
  } catch {
    return {};
  }
}

function appOf(call: Call): App {
  const app = call.app === null ? undefined : call.state.apps.get(call.app);
  if (app === undefined) throw notFound();
  return app;
}

function installationView(state: GitHubState, app: App): Fields {
  const account = personView(state, state.person(app.account));
  return {
    id: app.installation,
    account,
    app_id: app.id,
    app_slug: app.slug,
    target_id: account['id'],
    target_type: account['type'],
    repository_selection: app.repositories === null ? 'all' : 'selected',
    access_tokens_url: `${state.api}/app/installations/${app.installation}/access_tokens`,
    permissions: { ...app.permissions },
    events: [],
    created_at: stamp(state.now()),
    updated_at: stamp(state.now()),
    suspended_by: null,
    suspended_at: null,
  };
}

const hour = 3_600_000;

export const appRoutes: Routes = {
  'apps/get-authenticated': {
    caller: 'app',
    run(call) {
      const app = appOf(call);
      const body = { id: app.id, slug: app.slug, name: app.slug, permissions: { ...app.permissions }, events: [] };
      return { status: 200, body: { ...body, owner: personView(call.state, call.state.person(app.account)) } };
    },
  },
  'apps/get-repo-installation': {
    caller: 'app',
    run(call) {
      const app = appOf(call);
      if (call.repository.owner.toLowerCase() !== app.account.toLowerCase()) throw notFound();
      return { status: 200, body: installationView(call.state, app) };
    },
  },
  'apps/create-installation-access-token': {
    caller: 'app',
    run(call) {
      const app = appOf(call);
      if (Number(call.params['installation_id']) !== app.installation) throw notFound();
      const token: Token = {
        value: `ghs_${app.slug}_${call.state.nextId()}`,
        login: `${app.slug}[bot]`,
        kind: 'installation',
        scopes: new Set(),
        permissions: new Map(Object.entries(app.permissions)),
        repositories: app.repositories === null ? null : new Set(app.repositories),
        expiresAt: call.state.now() + hour,
        isRevoked: false,
      };
      call.state.person(token.login, 'Bot');
      call.state.tokens.set(token.value, token);
      const body = {
        token: token.value,
        expires_at: stamp(token.expiresAt ?? 0),
        permissions: { ...app.permissions },
        repository_selection: app.repositories === null ? 'all' : 'selected',
      };
      return { status: 201, body };
    },
  },
};
