import { OpusError } from '#shared/domain/errors.ts';
import * as z from 'zod/mini';
import { at, type Answer, type GithubConnection } from './github-connection.ts';
import { permissionReasons } from './missing-access.ts';
import { workflowsOnPush } from './workflow-triggers.ts';

/** One thing that the runner needs of GitHub, or that is worth knowing of a repository there. */
export interface AccessFinding {
  readonly ok: boolean;
  /** Whether work is stopped by it; what is not is only worth knowing. */
  readonly isNeeded: boolean;
  readonly what: string;
  /** What it is needed for, or what follows. */
  readonly why: string;
  readonly fix: string | null;
}

const repositoryAnswer = z.object({
  archived: z.optional(z.boolean()),
  private: z.optional(z.boolean()),
  has_issues: z.optional(z.boolean()),
  permissions: z.optional(z.object({ push: z.optional(z.boolean()) })),
});
const branchAnswer = z.object({
  protected: z.boolean(),
  protection: z.optional(
    z.object({ required_status_checks: z.nullish(z.object({ contexts: z.optional(z.array(z.string())) })) }),
  ),
});

/** What an app must be allowed; the last three only for what is said. */
const appNeeds = [
  ['contents', 'write', true],
  ['pull_requests', 'write', true],
  ['checks', 'read', true],
  ['statuses', 'read', true],
  ['actions', 'write', false],
  ['issues', 'write', false],
  ['workflows', 'write', false],
] as const;

/** Looks only; makes nothing. What cannot be asked at all, such as with a revoked token, is a finding too. */
export async function checkGithub(connection: GithubConnection, base: string): Promise<AccessFinding[]> {
  try {
    const answer = await connection.get('find the repository', at`/repos/${connection.owner}/${connection.name}`);
    return [...(await accessFindings(connection, answer)), ...(await repositoryFindings(connection, answer, base))];
  } catch (thrown) {
    if (!(thrown instanceof OpusError)) throw thrown;
    return [{ ok: false, isNeeded: true, what: thrown.message, why: 'nothing works without it', fix: thrown.hint }];
  }
}

async function accessFindings(connection: GithubConnection, answer: Answer): Promise<AccessFinding[]> {
  const login = await connection.tokens.login();
  const known = fine(`the credentials are valid: ${login}`, 'to ask GitHub anything');
  const permissions = await connection.tokens.permissions();
  if (permissions !== null) return [known, ...appNeeds.map((need) => appFinding(permissions, need))];
  const { permissions: role, private: isPrivate } = repositoryAnswer.parse(answer.data);
  const push =
    role?.push === true
      ? fine(`${login} may push to ${connection.repo}`, permissionReasons['contents'] ?? '')
      : {
          ok: false,
          isNeeded: false,
          what: `${login} may not push to ${connection.repo}`,
          why: 'branches go to a fork, and merging is left to others',
          fix: `Give ${login} the role Write there, if that is not wanted.`,
        };
  const header = answer.headers['x-oauth-scopes'];
  return [
    known,
    push,
    ...(header === undefined ? [fineGrained(connection)] : scopeFindings(String(header), isPrivate === true)),
  ];
}

function appFinding(
  permissions: Readonly<Record<string, string>>,
  [name, level, isNeeded]: (typeof appNeeds)[number],
): AccessFinding {
  const has = permissions[name];
  const why = permissionReasons[name] ?? '';
  if (has === 'write' || has === level) return fine(`${name}: ${has}`, why);
  const fix = `Give the app ${name}: ${level} in its settings, and accept that where it is installed.`;
  return {
    ok: false,
    isNeeded,
    what: `the app lacks ${name}: ${level}${has === undefined ? '' : ` (it has ${has})`}`,
    why,
    fix,
  };
}

function fineGrained(connection: GithubConnection): AccessFinding {
  const wanted = appNeeds.map(([name, level]) => `${name}: ${level}`).join(', ');
  return fine(
    `a fine-grained token does not tell what it may; for ${connection.repo} it takes ${wanted}`,
    'GitHub names what lacks when it is used',
  );
}

function scopeFindings(header: string, isPrivate: boolean): AccessFinding[] {
  const scopes = header.split(',').map((scope) => scope.trim());
  const hasRepo = scopes.includes('repo') || (!isPrivate && scopes.includes('public_repo'));
  const repo: AccessFinding = hasRepo
    ? fine('the token has the scope repo', 'to push branches, open pull requests and read checks')
    : {
        ok: false,
        isNeeded: true,
        what: 'the token lacks the scope repo',
        why: 'to push branches, open pull requests and read checks',
        fix: 'Add the scope repo to the token on GitHub.',
      };
  const workflow: AccessFinding = scopes.includes('workflow')
    ? fine('the token has the scope workflow', permissionReasons['workflows'] ?? '')
    : {
        ok: false,
        isNeeded: false,
        what: 'the token lacks the scope workflow',
        why: `${permissionReasons['workflows'] ?? ''}: such a push is refused`,
        fix: 'Add the scope workflow, if jobs shall change workflow files.',
      };
  return [repo, workflow];
}

async function repositoryFindings(
  connection: GithubConnection,
  answer: Answer,
  base: string,
): Promise<AccessFinding[]> {
  const { archived } = repositoryAnswer.parse(answer.data);
  const findings: AccessFinding[] = [];
  if (archived === true) {
    findings.push({
      ok: false,
      isNeeded: true,
      what: `${connection.repo} is archived`,
      why: 'nothing can be pushed to it',
      fix: 'Unarchive it in its settings, or take it out of opus.yml.',
    });
  }
  findings.push(await branchFinding(connection, base), ...(await workflowFindings(connection)));
  return findings;
}

async function branchFinding(connection: GithubConnection, base: string): Promise<AccessFinding> {
  const path = at`/repos/${connection.owner}/${connection.name}/branches/${base}`;
  try {
    const { protected: isProtected, protection } = branchAnswer.parse(
      (await connection.get('read the base', path)).data,
    );
    const checks = protection?.required_status_checks?.contexts ?? [];
    if (!isProtected) return fine(`${base} is not protected`, 'whoever may push can merge without checks or reviews');
    const asks = checks.length === 0 ? '' : `; required: ${checks.join(', ')}`;
    return fine(`${base} is protected${asks}`, 'merging goes by the rules that GitHub keeps');
  } catch (thrown) {
    if (!(thrown instanceof OpusError && thrown.code === 'forge.not-found')) throw thrown;
    const what = `${connection.repo} has no branch ${base}`;
    return {
      ok: false,
      isNeeded: true,
      what,
      why: 'work starts from it',
      fix: 'Push it, or name another as base in opus.yml.',
    };
  }
}

async function workflowFindings(connection: GithubConnection): Promise<AccessFinding[]> {
  try {
    const names = await workflowsOnPush(connection);
    if (names.length === 0)
      return [fine('no workflow runs on a push or pull request', 'pushing a branch starts nothing')];
    return [
      {
        ok: true,
        isNeeded: false,
        what: `workflows run on a push or pull request: ${names.join(', ')}`,
        why: 'a changed workflow could use the secrets of the repository: a diff that touches CI waits for a person before it is pushed',
        fix: null,
      },
    ];
  } catch (thrown) {
    if (!(thrown instanceof OpusError && (thrown.code === 'forge.forbidden' || thrown.code === 'forge.not-found')))
      throw thrown;
    return [
      {
        ok: false,
        isNeeded: false,
        what: 'the workflows cannot be read',
        why: permissionReasons['actions'] ?? '',
        fix: thrown.hint,
      },
    ];
  }
}

function fine(what: string, why: string): AccessFinding {
  return { ok: true, isNeeded: true, what, why, fix: null };
}
