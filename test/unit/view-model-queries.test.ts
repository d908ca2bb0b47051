import { describe, expect, it } from 'vitest';
import type { BoardJob } from '../../shared/protocol/board.ts';
import { jobsOfQuery, parseJobQuery, pullRequestAddress } from '../../shared/view-model/job-query.ts';
import { boardJob } from '../support/wire-lab.ts';

const pr = (number: number): BoardJob['pr'] => ({
  url: `https://github.com/me/web/pull/${number}`,
  number,
  state: 'open',
});
const jobs = [
  boardJob('FR-012-1', { status: 'canceled', createdAt: 1 }),
  boardJob('FR-012-2', { status: 'running', createdAt: 2, pr: pr(7) }),
  boardJob('FR-013-1', { status: 'waiting', createdAt: 3, repository: 'web' }),
  boardJob('FR-014-1', { status: 'succeeded', createdAt: 4 }),
  boardJob('FR-015-1', { status: 'queued', createdAt: 5 }),
];

function found(text: string): string[] {
  const { query, problems } = parseJobQuery(text);
  if (query === null) return problems.map(({ line, message }) => `${line}: ${message}`);
  return jobsOfQuery(query, jobs).map(({ job }) => job);
}

describe('a block of code that asks for jobs', () => {
  it.each([
    ['a job', 'FR-012-1', ['FR-012-1']],
    ['a request, whose newest job is meant', 'FR-012', ['FR-012-2']],
    ['a link to a request', '[[10_features/FR-012|the first]]', ['FR-012-2']],
    ['a pull request', 'https://GitHub.com/me/web/pull/7/files?w=1#diff', ['FR-012-2']],
    ['what is not there', 'FR-404', []],
    ['nothing: all that is not finished', '', ['FR-015-1', 'FR-013-1', 'FR-012-2']],
    ['nothing but remarks', '# mine\n\n', ['FR-015-1', 'FR-013-1', 'FR-012-2']],
    ['some statuses', 'status: Running, waiting', ['FR-013-1', 'FR-012-2']],
    ['a finished status', 'status: succeeded', ['FR-014-1']],
    ['a repository', 'repo: web', ['FR-013-1']],
    ['a request with all its jobs', 'fr: [[FR-012]]', ['FR-012-2', 'FR-012-1']],
    ['what is not finished of a request', 'fr: FR-012\nfinished: false', ['FR-012-2']],
    ['finished ones, too', 'finished: true', ['FR-015-1', 'FR-014-1', 'FR-013-1', 'FR-012-2', 'FR-012-1']],
    ['a few', 'finished: true\r\nlimit: 2\r\n', ['FR-015-1', 'FR-014-1']],
  ])('for %s', (_what, text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  it.each([
    ['status: levitating', 1, /"levitating" is no status.*queued, running/],
    ['\nrepo:\n', 2, /"repo" says nothing/],
    ['limit: many', 1, /"many" is no limit.*from 1 to 200/],
    ['limit: 0', 1, /no limit/],
    ['finished: maybe', 1, /"maybe" is neither true nor false/],
    ['repo: app\nrepo: web', 2, /"repo" is there twice/],
    ['repo: app\ncolour: red', 2, /"colour: red" is not understood.*"status:"/],
    ['repo: app\nFR-012', 2, /"FR-012" is not understood/],
    ['FR-012\nFR-013', 2, /Only one job/],
    ['what is going on?', 1, /"what is going on\?" is not understood.*job's id/],
  ])('with a mistake is told where: %j', (text, line, message) => {
    const { query, problems } = parseJobQuery(text);
    expect(query).toBeNull();
    expect(problems).toEqual([{ line, message: expect.stringMatching(message) as string }]);
  });

  it('tells of every line with a mistake', () => {
    expect(parseJobQuery('status: x\nlimit: y\nrepo: web').problems.map(({ line }) => line)).toEqual([1, 2]);
  });
});

describe('the address of a pull request', () => {
  it.each([
    ['https://github.com/me/web/pull/7', 'https://github.com/me/web/pull/7'],
    ['https://GITHUB.com/Me/Web/pull/7/commits/abc', 'https://github.com/Me/Web/pull/7'],
    [' https://github.com/me/web/pull/7/#x ', 'https://github.com/me/web/pull/7'],
    ['https://example.com/other/', 'https://example.com/other'],
  ])('%s is %s', (url, expected) => {
    expect(pullRequestAddress(url)).toBe(expected);
  });
});
