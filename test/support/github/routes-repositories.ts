import { noticePushes } from './pushes.ts';
import { Refusal } from './refusal.ts';
import { commitOf, invalidField, notFound, reads, textOf, writes, type Call, type Routes } from './routes.ts';
import { nodeId, personView, repositoryView } from './views.ts';
import type { Fields } from './description.ts';

function refView(call: Call, ref: string, sha: string): Fields {
  const root = `${call.state.api}/repos/${call.repository.owner}/${call.repository.name}`;
  return {
    ref,
    node_id: nodeId('REF', sha.charCodeAt(0)),
    url: `${root}/git/${ref}`,
    object: { type: 'commit', sha, url: `${root}/git/commits/${sha}` },
  };
}

function currentRef(call: Call): { readonly ref: string; readonly branch: string; readonly commit: string } {
  const ref = `refs/${call.params['ref'] ?? ''}`;
  const branch = ref.replace(/^refs\/heads\//, '');
  const commit = call.repository.bare.branch(branch);
  if (commit === null || branch === ref) throw notFound();
  return { ref, branch, commit };
}

/** What a push of this branch would be refused for. */
function demandUnprotected(call: Call, branch: string): void {
  const protection = call.repository.protections.get(branch);
  if (protection === undefined) return;
  if (!protection.enforceAdmins && call.state.may(call.login, call.repository, 'admin')) return;
  throw new Refusal(422, `Protected branch update failed for refs/heads/${branch}.`);
}

function branchView(call: Call, name: string, sha: string): Fields {
  const root = `${call.state.api}/repos/${call.repository.owner}/${call.repository.name}`;
  const protection = call.repository.protections.get(name);
  const contexts = [...(protection?.requiredChecks ?? [])];
  return {
    name,
    commit: { sha, url: `${root}/commits/${sha}` },
    protected: protection !== undefined,
    protection_url: `${root}/branches/${name}/protection`,
    protection: { required_status_checks: { enforcement_level: 'everyone', contexts, checks: [] } },
    _links: { html: `${call.state.origin}/${call.repository.owner}/${call.repository.name}/tree/${name}`, self: root },
  };
}

function branchOf(call: Call): { readonly name: string; readonly commit: string } {
  const name = call.params['branch'] ?? '';
  const commit = call.repository.bare.branch(name);
  if (commit === null) throw new Refusal(404, 'Branch not found');
  return { name, commit };
}

export const repositoryRoutes: Routes = {
  'repos/get': reads('metadata', ({ state, repository, login }) => ({
    status: 200,
    body: repositoryView(state, repository, login),
  })),
  'repos/get-collaborator-permission-level': reads('metadata', ({ state, repository, params }) => {
    const login = params['username'] ?? '';
    if (!state.people.has(login.toLowerCase())) throw notFound();
    const role = state.roleOf(login, repository) ?? 'none';
    const permission = role === 'maintain' ? 'write' : role === 'triage' ? 'read' : role;
    const user = personView(state, state.person(login));
    return { status: 200, body: { permission, role_name: role, user } };
  }),
  'repos/list-branches': reads('contents', (call) => ({
    status: 200,
    list: [...call.repository.bare.refs()].map(([name, sha]) => branchView(call, name, sha)),
  })),
  'repos/get-branch': reads('contents', (call) => {
    const { name, commit } = branchOf(call);
    return { status: 200, body: branchView(call, name, commit) };
  }),
  'repos/get-branch-protection': {
    permission: ['administration', 'read'],
    role: 'admin',
    run(call) {
      const protection = call.repository.protections.get(branchOf(call).name);
      if (protection === undefined) throw new Refusal(404, 'Branch not protected');
      const { requiredChecks, strict, requiredApprovals, enforceAdmins } = protection;
      return {
        status: 200,
        body: {
          required_status_checks: {
            strict,
            contexts: [...requiredChecks],
            checks: requiredChecks.map((context) => ({ context, app_id: null })),
          },
          required_pull_request_reviews: { required_approving_review_count: requiredApprovals },
          enforce_admins: { enabled: enforceAdmins },
          required_conversation_resolution: { enabled: protection.conversationResolution },
        },
      };
    },
  },
  'repos/get-branch-rules': reads('metadata', (call) => {
    const protection = call.repository.protections.get(branchOf(call).name);
    if (protection === undefined) return { status: 200, list: [] };
    const source = { ruleset_source_type: 'Repository', ruleset_source: call.repository.name, ruleset_id: 1 };
    const list: Fields[] = [
      {
        type: 'pull_request',
        parameters: {
          dismiss_stale_reviews_on_push: false,
          require_code_owner_review: false,
          require_last_push_approval: false,
          required_approving_review_count: protection.requiredApprovals,
          required_review_thread_resolution: protection.conversationResolution,
        },
        ...source,
      },
      {
        type: 'required_status_checks',
        parameters: {
          required_status_checks: protection.requiredChecks.map((context) => ({ context })),
          strict_required_status_checks_policy: protection.strict,
        },
        ...source,
      },
    ];
    return { status: 200, list };
  }),
  'git/get-ref': reads('contents', (call) => {
    const { ref, commit } = currentRef(call);
    return { status: 200, body: refView(call, ref, commit) };
  }),
  'git/list-matching-refs': reads('contents', (call) => ({
    status: 200,
    list: [...call.repository.bare.refs()]
      .map(([name, sha]) => ({ ref: `refs/heads/${name}`, sha }))
      .filter(({ ref }) => ref.startsWith(`refs/${call.params['ref'] ?? ''}`))
      .map(({ ref, sha }) => refView(call, ref, sha)),
  })),
  'git/create-ref': writes('contents', (call) => {
    const ref = textOf(call.body, 'ref') ?? '';
    const sha = textOf(call.body, 'sha') ?? '';
    if (!ref.startsWith('refs/heads/')) throw new Refusal(422, 'Reference name must start with "refs/".');
    if (call.repository.bare.branch(ref.slice(11)) !== null) throw new Refusal(422, 'Reference already exists');
    if (call.repository.bare.tryGit('cat-file', '-e', `${sha}^{commit}`) === null) {
      throw new Refusal(422, 'Object does not exist');
    }
    call.repository.bare.setRef(ref, sha);
    call.state.count('reference');
    noticePushes(call.state, call.repository, call.login);
    return { status: 201, body: refView(call, ref, sha) };
  }),
  'git/update-ref': writes('contents', (call) => {
    const { ref, branch, commit } = currentRef(call);
    const sha = textOf(call.body, 'sha') ?? '';
    demandUnprotected(call, branch);
    const isForward = call.repository.bare.tryGit('merge-base', '--is-ancestor', commit, sha) !== null;
    if (!isForward && call.body['force'] !== true) throw new Refusal(422, 'Update is not a fast forward');
    call.repository.bare.setRef(ref, sha);
    noticePushes(call.state, call.repository, call.login);
    return { status: 200, body: refView(call, ref, sha) };
  }),
  'git/delete-ref': writes('contents', (call) => {
    if (call.repository.bare.branch((call.params['ref'] ?? '').replace(/^heads\//, '')) === null) {
      throw new Refusal(422, 'Reference does not exist');
    }
    const { ref, branch } = currentRef(call);
    demandUnprotected(call, branch);
    call.repository.bare.setRef(ref, null);
    noticePushes(call.state, call.repository, call.login);
    return { status: 204 };
  }),
  'repos/get-content': reads('contents', (call) => {
    const path = call.params['path'] ?? '';
    const commit = commitOf(call, call.query.get('ref') ?? call.repository.defaultBranch);
    const sha = call.repository.bare.tryGit('rev-parse', '--verify', '--quiet', `${commit}:${path}`);
    if (sha === null || call.repository.bare.git('cat-file', '-t', sha) !== 'blob') throw notFound();
    const text = call.repository.bare.git('cat-file', 'blob', sha);
    const content = Buffer.from(`${text}\n`).toString('base64');
    const name = path.split('/').at(-1) ?? path;
    return { status: 200, body: { type: 'file', encoding: 'base64', size: text.length + 1, name, path, content, sha } };
  }),
  'repos/create-fork': reads('contents', ({ state, repository, login, body }) => {
    const owner = textOf(body, 'organization') ?? login;
    const name = textOf(body, 'name') ?? repository.name;
    if (owner === repository.owner) throw invalidField('Repository', 'organization');
    const fork = state.repository(owner, name) ?? state.fork(repository, owner, name);
    return { status: 202, body: repositoryView(state, fork, login) };
  }),
  'repos/list-forks': reads('metadata', ({ state, repository }) => ({
    status: 200,
    list: [...state.repositories.values()]
      .filter((candidate) => candidate.forkOf === repository)
      .map((fork) => repositoryView(state, fork)),
  })),
  'users/get-authenticated': {
    run: ({ state, login }) => ({ status: 200, body: personView(state, state.person(login)) }),
  },
  'rate-limit/get': {
    run({ quota, token }) {
      const core = quota.rate(token?.value ?? '', 'core');
      const graphql = quota.rate(token?.value ?? '', 'graphql');
      return { status: 200, body: { resources: { core, graphql, search: core }, rate: core } };
    },
  },
};
