import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenPullRequest } from '../../runner/core/ports/forge.ts';
import { openGithubLab, type GithubLab } from '../support/github-lab.ts';
import type { Fault } from '../support/github/faults.ts';
import { refusal } from '../support/git-lab.ts';

let lab: GithubLab;
let request: OpenPullRequest;

beforeEach(async () => {
  lab = await openGithubLab();
  const head = 'opus/FR-1-1-x';
  const commit = lab.branch(head);
  request = { repository: lab.repository, job: 'FR-1-1', head, base: 'main', commit, title: 'x', body: 'y' };
});
afterEach(() => lab.stop());

/** Repeats as the pipeline does, until it is done. */
async function untilDone<Result>(action: () => Promise<Result>): Promise<Result> {
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      return await action();
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== 'forge.unreachable') throw thrown;
    }
  }
  throw new Error('never done');
}

const lost: readonly (readonly [string, Omit<Fault, 'operation'>])[] = [
  ['an internal error', { kind: 'status', status: 500 }],
  ['a bad gateway', { kind: 'status', status: 502 }],
  ['an internal error after it was done', { kind: 'status', status: 500, afterEffect: true }],
  ['a connection reset before it was done', { kind: 'reset' }],
  ['a connection reset after it was done', { kind: 'reset', afterEffect: true }],
  ['no answer in time, although it was done', { kind: 'timeout', afterEffect: true }],
];

describe.each(lost)('%s', (_, fault) => {
  it('leads to no second pull request, comment or merge', async () => {
    const client = lab.client({ timeoutMs: 300 });
    const { forge } = client;
    const pulls = client.pullRequestsOf('web');
    lab.server.fail({ ...fault, operation: 'pulls/create' });
    const { number } = await untilDone(() => forge.open(request));
    expect(lab.server.effects('pull')).toBe(1);

    lab.server.fail({ ...fault, operation: 'issues/create-comment' });
    const answer = { repository: lab.repository, number, thread: null, text: 'Done.', key: 'reply:1' };
    await untilDone(() => pulls.reply(answer));
    await pulls.reply(answer);
    expect(lab.server.effects('comment')).toBe(1);

    lab.server.fail({ ...fault, operation: 'pulls/merge' });
    const merge = { repository: lab.repository, number, commit: request.commit, title: 't', message: 'm' };
    const merged = await untilDone(() => pulls.merge({ ...merge, method: 'squash' }));
    expect(merged).toEqual({ kind: 'merged', commit: lab.hosted.bare.branch('main') });
    expect(lab.server.effects('merge')).toBe(1);
  });
});

it('reads are tried again, writes are not', async () => {
  const { forge } = lab.client();
  lab.server.fail({ operation: 'pulls/list', kind: 'status', status: 502, times: 2 });
  lab.server.fail({ operation: 'pulls/create', kind: 'status', status: 502 });
  expect(await refusal(forge.open(request))).toMatchObject({ code: 'forge.unreachable' });
  expect(lab.server.calls()['pulls/create']).toBe(1);
});

it('what was refused is not asked again', async () => {
  lab.server.fail({ operation: 'pulls/list', kind: 'status', status: 403 });
  expect((await refusal(lab.client().forge.find(lab.repository, request.head))).code).toBe('forge.forbidden');
  expect(lab.server.calls()['pulls/list']).toBe(1);
});

it('the primary limit holds the job until it is reset, and nothing is asked before', async () => {
  const token = lab.server.token('opus');
  const { forge } = lab.clientOf({ credentials: { kind: 'token', token: { kind: 'env', name: 'T' } } }, () => token);
  lab.server.quota.leave(token, 0);
  const held = await refusal(forge.find(lab.repository, request.head));
  const asked = lab.server.seen.length;
  expect(held).toMatchObject({ code: 'forge.rate-limited', until: expect.any(Number) as number });
  await refusal(forge.find(lab.repository, request.head));
  expect(lab.server.seen.length).toBe(asked);
  lab.later(3_700_000);
  expect(await forge.find(lab.repository, request.head)).toBeNull();
});

it('the secondary limit holds the job for as long as it says, at the pace that GitHub asks for too', async () => {
  const { forge } = lab.client({ isPaced: true });
  lab.server.fail({ operation: 'pulls/create', kind: 'secondary', retryAfter: 30 });
  const held = await refusal(forge.open(request));
  expect(held.code).toBe('forge.rate-limited');
  lab.later(31_000);
  expect((await forge.open(request)).number).toBe(1);
});

it('a token that is revoked in the middle is put before a person; its successor counts without a restart', async () => {
  let token = lab.server.token('opus');
  const { forge } = lab.clientOf({ credentials: { kind: 'token', token: { kind: 'env', name: 'T' } } }, () => token);
  await forge.open(request);
  lab.server.revoke(token);
  const refused = await refusal(forge.open({ ...request, title: 'z' }));
  expect(refused.code).toBe('forge.unauthorized');
  expect(JSON.stringify([refused.message, refused.hint, refused])).not.toContain(token);
  token = lab.server.token('opus');
  expect((await forge.open({ ...request, title: 'z' })).number).toBe(1);
});

it('tells what is left of the calls, and what each was for', async () => {
  const told: unknown[] = [];
  const { forge } = lab.client({ onQuota: (quota) => told.push(quota), onCall: (call) => told.push(call) });
  await forge.find(lab.repository, request.head);
  expect(told).toContainEqual({ operation: 'find-a-pull-request', status: 200 });
  expect(told).toContainEqual(expect.objectContaining({ resource: 'core', limit: 5000, remaining: 4999 }));
});

it('is not told again what has not changed', async () => {
  const { forge } = lab.client();
  await forge.open(request);
  const first = await forge.find(lab.repository, request.head);
  const asked = lab.server.seen.length;
  expect(await forge.find(lab.repository, request.head)).toEqual(first);
  expect(lab.server.seen.slice(asked).map(({ status }) => status)).toEqual([304]);
  const moved = lab.branch(request.head);
  expect((await forge.find(lab.repository, request.head))?.commit).toBe(moved);
});
