import { describe, expect, it } from 'vitest';
import { forgeFailure } from '../../runner/adapters/forge-github/forge-failure.ts';
import { dispositionOf } from '../../shared/domain/errors.ts';

const call = { doing: 'open a pull request', repo: 'me/web', host: 'api.github.com', now: 1_000_000_000_000 };

const refused = (
  status: number,
  message: string,
  headers: Record<string, string> = {},
  errors: unknown[] = [],
): Error =>
  Object.assign(new Error(message), {
    status,
    request: { headers: { authorization: 'token ghp_canary' } },
    response: { status, headers, data: { message, errors } },
  });

describe('what GitHub answered', () => {
  it.each([
    ['a revoked token', refused(401, 'Bad credentials'), 'forge.unauthorized', 'needs-human'],
    ['a server that broke', refused(502, 'Bad gateway'), 'forge.unreachable', 'retry'],
    [
      'an archived repository',
      refused(403, 'Repository was archived so is read-only.'),
      'forge.archived',
      'needs-human',
    ],
    ['what is not there', refused(404, 'Not Found'), 'forge.not-found', 'needs-human'],
    ['what is not valid', refused(422, 'Validation Failed'), 'forge.refused', 'needs-human'],
    ['no answer at all', new TypeError('fetch failed'), 'forge.unreachable', 'retry'],
  ])('as %s has its code', (_, thrown, code, disposition) => {
    const failure = forgeFailure(thrown, call);
    expect(failure.code).toBe(code);
    expect(dispositionOf(failure.code)).toBe(disposition);
    expect(failure.message).toContain('me/web');
  });

  it('as the primary limit holds until it is reset', () => {
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1000000600' };
    expect(forgeFailure(refused(403, 'API rate limit exceeded', headers), call)).toMatchObject({
      code: 'forge.rate-limited',
      until: 1_000_000_601_000,
    });
  });

  it('as the secondary limit holds for as long as it says, or a minute', () => {
    const message = 'You have exceeded a secondary rate limit';
    expect(forgeFailure(refused(403, message, { 'retry-after': '30' }), call).until).toBe(call.now + 30_000);
    expect(forgeFailure(refused(429, message), call).until).toBe(call.now + 60_000);
  });

  it('names the permission that is missing, and why it is needed', () => {
    const headers = { 'x-accepted-github-permissions': 'contents=write,workflows=write; pull_requests=write' };
    const failure = forgeFailure(refused(403, 'Resource not accessible by integration', headers), call);
    expect(failure.code).toBe('forge.forbidden');
    expect(failure.message).toContain('pull_requests: write');
    expect(failure.hint).toContain('to open pull requests');
  });

  it('names the scope that a classic token lacks', () => {
    const headers = { 'x-oauth-scopes': 'read:user', 'x-accepted-oauth-scopes': 'repo, public_repo' };
    expect(forgeFailure(refused(403, 'Forbidden', headers), call)).toMatchObject({
      message: expect.stringContaining('the scope repo') as string,
      hint: expect.stringContaining('it has read:user') as string,
    });
  });

  it('says which field was refused', () => {
    const errors = [{ resource: 'PullRequest', field: 'base', code: 'invalid' }];
    expect(forgeFailure(refused(422, 'Validation Failed', {}, errors), call).message).toContain('base is invalid');
  });

  it('is told without the token', () => {
    const failure = forgeFailure(refused(500, 'Oops'), call);
    expect(JSON.stringify([failure, failure.message, failure.hint, failure.cause, failure.details])).not.toContain(
      'canary',
    );
  });
});
