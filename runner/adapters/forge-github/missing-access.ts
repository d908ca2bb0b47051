/** Why the runner needs a permission of a GitHub App or a fine-grained token. */
export const permissionReasons: Readonly<Record<string, string>> = {
  metadata: 'to find the repository',
  contents: 'to read the repository, push branches and merge',
  pull_requests: 'to open pull requests, answer in them and merge them',
  checks: 'to see which checks failed and why',
  statuses: 'to see which statuses failed',
  actions: 'to read the logs of failed jobs and run them again',
  issues: 'to label pull requests, comment on them and read issues',
  workflows: 'to push changes of workflow files',
  administration: 'to make a fork',
};

type Headers = Readonly<Record<string, string | number | undefined>>;

/** What the credentials lack, by what GitHub says that the call takes. */
export function missingAccess(headers: Headers, doing: string): { readonly said: string; readonly hint: string } {
  const single = /url=(\S+?)(?:;|$)/.exec(String(headers['x-github-sso'] ?? ''));
  if (headers['x-github-sso'] !== undefined) {
    return {
      said: 'the organisation asks for a single sign-on of the token',
      hint: `Authorize the token for it${single === null ? '' : ` at ${withoutQuery(single[1] ?? '')}`}, then retry.`,
    };
  }
  const scopes = listed(headers['x-oauth-scopes']);
  const accepted = listed(headers['x-accepted-oauth-scopes']);
  if (
    headers['x-oauth-scopes'] !== undefined &&
    accepted.length > 0 &&
    !accepted.some((scope) => scopes.includes(scope))
  ) {
    const wanted = accepted.includes('repo') ? 'repo' : accepted.join(' or ');
    return {
      said: `the token lacks the scope ${wanted}, which it takes to ${doing}`,
      hint: `Give the token the scope ${wanted}; it has ${scopes.join(', ') || 'none'}.`,
    };
  }
  const permissions = acceptedPermissions(String(headers['x-accepted-github-permissions'] ?? ''));
  if (permissions.length > 0) {
    const wanted = permissions.map(({ name, level }) => `${name}: ${level}`).join(' and ');
    const reasons = permissions.map(({ name }) => permissionReasons[name]).filter((reason) => reason !== undefined);
    return {
      said: `the credentials lack the permission ${wanted}`,
      hint: `Give the token or app ${wanted}${reasons.length > 0 ? ` (${reasons.join('; ')})` : ''}, then retry.`,
    };
  }
  return {
    said: 'the credentials do not allow it',
    hint: 'See which permission it takes with `opus doctor`, and give it to the token or app.',
  };
}

/** The first of the ways that GitHub names: `contents=write,workflows=write; contents=write`. */
function acceptedPermissions(header: string): { readonly name: string; readonly level: string }[] {
  const ways = header
    .split(';')
    .map((way) => way.split(',').flatMap((pair) => permission(pair)))
    .filter((way) => way.length > 0);
  return ways.sort((left, right) => left.length - right.length)[0] ?? [];
}

function permission(pair: string): { readonly name: string; readonly level: string }[] {
  const [, name, level] = /^\s*([a-z_]+)=([a-z]+)\s*$/.exec(pair) ?? [];
  return name === undefined || level === undefined ? [] : [{ name, level }];
}

function listed(header: string | number | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((scope) => scope.trim())
    .filter((scope) => scope !== '');
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, '');
}
