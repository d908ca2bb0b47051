import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { noticePushes } from './pushes.ts';
import type { Repository, Token } from './records.ts';
import type { GitHubState } from './state.ts';

/** Runs once for each pushed ref. Git's own answer is "hook declined"; the reason it notes is put there afterwards. */
const updateHook = `#!/bin/sh
refuse() {
  printf '%s\\t%s\\n' "$1" "$2" >> "$GITHUB_REFUSALS"
  exit 1
}
case " $GITHUB_PROTECTED " in
  *" $1 "*)
    echo "error: GH006: Protected branch update failed for $1." >&2
    echo "error: Changes must be made through a pull request." >&2
    refuse "$1" "protected branch hook declined"
    ;;
esac
if [ -n "$GITHUB_NO_WORKFLOWS" ] && [ "$3" != ${'0'.repeat(40)} ]; then
  file=$(git log -m --format= --name-only "$3" --not --all -- .github/workflows | head -n 1)
  [ -z "$file" ] || refuse "$1" "refusing to allow $GITHUB_NO_WORKFLOWS to create or update workflow \\\`$file\\\` without $GITHUB_WORKFLOW_NEED"
fi
`;

export interface GitRefused {
  readonly status: number;
  readonly message: string;
}

/** Serves a repository by `git http-backend`, and refuses what GitHub refuses. */
export async function serveGit(
  state: GitHubState,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const [, owner = '', name = '', rest = ''] = /^\/([^/]+)\/([^/]+)\.git(\/.*)$/.exec(url.pathname) ?? [];
  const repository = state.repository(owner, name);
  const isPush = rest === '/git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  const token = tokenOf(state, request);
  const refused = refusal(state, repository, token, isPush, request.headers.authorization !== undefined);
  if (repository === null || refused !== null) {
    const { status, message } = refused ?? { status: 404, message: 'Repository not found.' };
    const challenge: Record<string, string> = status === 401 ? { 'www-authenticate': 'Basic realm="GitHub"' } : {};
    request.resume();
    response.writeHead(status, { 'content-type': 'text/plain', ...challenge }).end(message);
    return;
  }
  const scratch = mkdtempSync(join(state.folder, 'push-'));
  try {
    const environment = isPush ? pushRules(state, repository, token, join(scratch, 'refusals')) : {};
    if (isPush) installHook(repository);
    const answer = await runBackend(request, repository, rest, url, token?.login ?? '', environment, response, isPush);
    if (rest !== '/git-receive-pack') return;
    noticePushes(state, repository, token?.login ?? repository.owner);
    if (answer !== null) response.end(explained(answer, join(scratch, 'refusals')));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function tokenOf(state: GitHubState, request: IncomingMessage): Token | null {
  const encoded = /^basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const password = Buffer.from(encoded, 'base64').toString().split(':').slice(1).join(':');
  const token = state.tokens.get(password);
  const isLive = token !== undefined && !token.isRevoked && (token.expiresAt ?? Infinity) > state.now();
  return isLive ? token : null;
}

function refusal(
  state: GitHubState,
  repository: Repository | null,
  token: Token | null,
  isPush: boolean,
  hasTried: boolean,
): GitRefused | null {
  if (token === null) {
    if (hasTried || isPush || repository?.isPrivate !== false) {
      return { status: 401, message: 'Invalid username or token. Password authentication is not supported.' };
    }
    return null;
  }
  const full = repository === null ? '' : `${repository.owner}/${repository.name}`;
  const isSeen =
    repository !== null && state.may(token.login, repository, 'read') && (token.repositories?.has(full) ?? true);
  if (!isSeen) return { status: 404, message: 'Repository not found.' };
  if (!isPush) return null;
  if (repository.isArchived) return { status: 403, message: 'This repository was archived so it is read-only.' };
  const hasGrant = token.kind === 'classic' ? token.scopes.has('repo') : token.permissions.get('contents') === 'write';
  if (!hasGrant) return { status: 403, message: 'Write access to repository not granted.' };
  const mayWrite = token.kind === 'installation' || state.may(token.login, repository, 'write');
  return mayWrite ? null : { status: 403, message: `Permission to ${full}.git denied to ${token.login}.` };
}

function pushRules(
  state: GitHubState,
  repository: Repository,
  token: Token | null,
  refusals: string,
): Record<string, string> {
  const isAdmin = token !== null && state.may(token.login, repository, 'admin');
  const guarded = [...repository.protections].filter(([, rule]) => rule.enforceAdmins || !isAdmin);
  const isClassic = token?.kind === 'classic';
  const mayWorkflows = isClassic ? token.scopes.has('workflow') : token?.permissions.get('workflows') === 'write';
  const who = isClassic ? 'a Personal Access Token' : token?.kind === 'installation' ? 'a GitHub App' : 'a token';
  return {
    GITHUB_REFUSALS: refusals,
    GITHUB_PROTECTED: guarded.map(([branch]) => `refs/heads/${branch}`).join(' '),
    GITHUB_NO_WORKFLOWS: mayWorkflows ? '' : who,
    GITHUB_WORKFLOW_NEED: isClassic ? '`workflow` scope' : '`workflows` permission',
  };
}

function installHook(repository: Repository): void {
  const hook = join(repository.bare.directory, 'hooks', 'update');
  if (existsSync(hook)) return;
  writeFileSync(hook, updateHook);
  chmodSync(hook, 0o755);
}

/** Sends the answer on as it comes; that of a push is kept and returned, for its reasons are not in it yet. */
function runBackend(
  request: IncomingMessage,
  repository: Repository,
  rest: string,
  url: URL,
  login: string,
  environment: Record<string, string>,
  response: ServerResponse,
  isPush: boolean,
): Promise<Buffer | null> {
  const header = (name: string, variable: string): Record<string, string> => {
    const value = request.headers[name];
    return typeof value === 'string' ? { [variable]: value } : {};
  };
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_SYSTEM: '/dev/null',
      GIT_PROJECT_ROOT: repository.bare.directory,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: rest,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      REMOTE_USER: login,
      REMOTE_ADDR: '127.0.0.1',
      GIT_CONFIG_COUNT: '4',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
      GIT_CONFIG_KEY_2: 'gc.auto',
      GIT_CONFIG_VALUE_2: '0',
      GIT_CONFIG_KEY_3: 'receive.autogc',
      GIT_CONFIG_VALUE_3: 'false',
      ...header('content-type', 'CONTENT_TYPE'),
      ...header('content-length', 'CONTENT_LENGTH'),
      ...header('content-encoding', 'HTTP_CONTENT_ENCODING'),
      ...header('git-protocol', 'GIT_PROTOCOL'),
      ...environment,
    },
  });
  request.pipe(child.stdin);
  // Git may end before it has read everything, when a client goes away.
  child.stdin.on('error', () => undefined);
  response.on('close', () => child.kill());
  const keeps = isPush && rest === '/git-receive-pack';
  let head: Buffer | null = Buffer.alloc(0);
  const kept: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === null) {
      if (keeps) kept.push(chunk);
      else response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    writeHead(response, head.subarray(0, end).toString());
    if (keeps) kept.push(head.subarray(end + 4));
    else response.write(head.subarray(end + 4));
    head = null;
  });
  return new Promise((resolve) => {
    child.on('close', () => {
      if (head !== null) response.writeHead(500);
      if (!keeps) response.end();
      resolve(keeps ? Buffer.concat(kept) : null);
    });
  });
}

function writeHead(response: ServerResponse, text: string): void {
  const headers = text.split('\r\n').map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const status = headers.find(([name]) => name === 'status')?.[1];
  response.writeHead(
    Number.parseInt(status ?? '200', 10),
    Object.fromEntries(headers.filter(([name]) => name !== 'status')),
  );
}

/** Puts the reasons into the report, which is packet lines within the packets of the first side band. */
function explained(answer: Buffer, refusals: string): Buffer {
  if (!existsSync(refusals)) return answer;
  const reasons = new Map(
    readFileSync(refusals, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): [string, string] => [line.split('\t')[0] ?? '', line.split('\t')[1] ?? '']),
  );
  return rewritten(answer, (payload) => {
    if (payload[0] !== 1) return payload;
    const report = rewritten(payload.subarray(1), (line) => {
      const ref = /^ng (\S+) /.exec(line.toString())?.[1];
      const reason = ref === undefined ? undefined : reasons.get(ref);
      return reason === undefined ? line : Buffer.from(`ng ${ref ?? ''} ${reason}\n`);
    });
    return Buffer.concat([Buffer.from([1]), report]);
  });
}

function rewritten(packets: Buffer, change: (payload: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; offset + 4 <= packets.length;) {
    const length = Number.parseInt(packets.subarray(offset, offset + 4).toString(), 16);
    if (length < 4) {
      parts.push(packets.subarray(offset, offset + 4));
      offset += 4;
      continue;
    }
    const payload = change(packets.subarray(offset + 4, offset + length));
    parts.push(Buffer.from((payload.length + 4).toString(16).padStart(4, '0')), payload);
    offset += length;
  }
  return Buffer.concat(parts);
}
