import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitted,
  foldedKey,
  foldedMessage,
  isDecided,
  mostUrgent,
  notificationKey,
  notificationKindOf,
  notificationMessage,
  retryAfterMs,
} from '../../runner/core/notifications.ts';
import type { RegistryEvent } from '../../runner/core/ports/job-registry.ts';
import { aJob } from '../support/records.ts';

const context = { command: 'npx opus', vaultName: 'My vault', publicUrl: null };
const error = {
  code: 'agent.no-change',
  message: 'The agent changed nothing.',
  hint: 'Say more, then: opus job retry FR-1',
};

function event(type: string, data: RegistryEvent['data'] = {}, jobId: string | null = 'FR-1-1'): RegistryEvent {
  return { seq: 1, at: 1, type, jobId, data };
}

const messageOf = (of: RegistryEvent, job: ReturnType<typeof aJob> | null = aJob(), more = {}) =>
  notificationMessage(of, job, { ...context, ...more });

describe('what people are told of', () => {
  it.each([
    ['job.succeeded', {}, 'completion'],
    ['job.failed', { error }, 'failure'],
    ['job.waiting', { waitingFor: 'human', error }, 'failure'],
    ['job.waiting', { waitingFor: 'usage-limit' }, null],
    ['stage.failed', { stage: 'code', error: { ...error, code: 'agent.stalled' } }, 'stuck'],
    ['stage.failed', { stage: 'code', error: { ...error, code: 'agent.timeout' } }, 'stuck'],
    ['stage.failed', { stage: 'code', error }, null],
    ['stage.failed', { stage: 'test', status: 'rejected' }, null],
    ['stage.failed', { error: 'no object' }, null],
    ['runner.recovered', { jobs: [] }, 'recovery'],
    ['approval.requested', { gate: 'merge', hash: 'abcdef0123' }, 'decision'],
    ['job.canceled', {}, null],
    ['job.started', {}, null],
  ])('%s %j is %s', (type, data, kind) => {
    expect(notificationKindOf(event(type, data))).toBe(kind);
  });

  it('is no decision that was made meanwhile', () => {
    const asked = event('approval.requested', { gate: 'merge', hash: 'abcdef0123' });
    expect(isDecided(asked, aJob({ gate: { kind: 'merge', hash: 'abcdef0123' } }))).toBe(false);
    expect(isDecided(asked, aJob({ gate: null }))).toBe(true);
    expect(isDecided(asked, aJob({ gate: { kind: 'merge', hash: '1234567890' } }))).toBe(true);
    expect(isDecided(event('job.failed', { error }), aJob())).toBe(false);
  });
});

describe('a message', () => {
  it('says of a finished job what came of it', () => {
    expect(messageOf(event('job.succeeded'), aJob({ mergeCommit: '1234567890' }))).toMatchObject({
      title: 'Done: FR-1 Dispatch: one click',
      text: 'It is merged into main as 12345678.\nSee what was done with: npx opus job show FR-1-1',
    });
    expect(messageOf(event('job.succeeded')).text).toContain('Every stage has passed.');
  });

  it('says of a job that needs a person what failed and how it goes on, in words of this installation', () => {
    expect(messageOf(event('job.waiting', { waitingFor: 'human', error }))).toMatchObject({
      title: 'Needs you: FR-1 Dispatch: one click',
      text: 'The agent changed nothing.\nSay more, then: npx opus job retry FR-1',
    });
  });

  it('adds the command to an error that has none', () => {
    const { text } = messageOf(event('job.waiting', { waitingFor: 'human', error: { ...error, hint: null } }));
    expect(text).toBe('The agent changed nothing.\nGo on with: npx opus job retry FR-1-1');
  });

  it("takes the job's error where the event names none", () => {
    const job = aJob({ error: { code: 'git.repository-missing', message: 'The repository is gone.', hint: null } });
    expect(messageOf(event('job.failed'), job)).toMatchObject({
      title: 'Failed: FR-1 Dispatch: one click',
      text: 'The repository is gone.\nSee what was done with: npx opus job show FR-1-1',
    });
  });

  it('names the stage that is stuck', () => {
    const stalled = { code: 'agent.stalled', message: 'The agent said nothing for 5 m.', hint: null };
    const { title, text } = messageOf(event('stage.failed', { stage: 'review', error: stalled }));
    expect(title).toBe('Stuck in review: FR-1 Dispatch: one click');
    expect(text).toContain('The agent said nothing for 5 m.');
    expect(text).toContain('npx opus job log FR-1-1');
  });

  it.each([
    ['plan', 'Its plan is written', 'npx opus approve FR-1'],
    ['merge', 'The change abcdef01 is ready; it is merged into main', 'npx opus changes FR-1 --comment "…"'],
    ['ci', 'It changes what the forge runs as soon as it is pushed', 'npx opus job diff FR-1-1'],
    ['budget', 'Its budget is used up', 'npx opus reject FR-1'],
    ['question', 'It waits for your answer.', 'npx opus answer FR-1 --comment "…"'],
  ])('says what is asked at a %s gate', (gate, why, command) => {
    const { text } = messageOf(event('approval.requested', { gate, hash: 'abcdef0123' }));
    expect(text).toContain(why);
    expect(text).toContain(command);
  });

  it('names the files at a ci gate, as the note does', () => {
    const error = { code: 'forge.ci-change' as const, message: 'It changes .github/workflows/build.yml.', hint: null };
    const { text } = messageOf(event('approval.requested', { gate: 'ci', hash: 'abcdef0123' }), aJob({ error }));
    expect(text.split('\n')).toEqual([
      'It changes what the forge runs as soon as it is pushed; it is pushed once you approve that.',
      'It changes .github/workflows/build.yml.',
      'Look at it with: npx opus job diff FR-1-1',
      'Decide with: npx opus approve FR-1, npx opus changes FR-1 --comment "…" or npx opus reject FR-1',
    ]);
  });

  it.each([
    [[], 'No job had to be taken up again.'],
    [['FR-1-1'], 'It has taken up one job again: FR-1-1.'],
    [['FR-1-1', 'FR-2-1'], 'It has taken up 2 jobs again: FR-1-1, FR-2-1.'],
    [null, 'No job had to be taken up again.'],
  ])('says what a runner that came back took up: %j', (jobs, expected) => {
    const { title, text, link } = messageOf(event('runner.recovered', { jobs }, null), null);
    expect(title).toBe('The runner is back after a crash');
    expect(text).toContain(expected);
    expect(link).toBeNull();
  });

  it('names the job alone when nothing else is known of it any more', () => {
    expect(messageOf(event('job.succeeded'), null)).toMatchObject({ title: 'Done: FR-1-1', link: null });
  });

  it('can be made of any event of a kind, whatever its data and paths hold', () => {
    const types = [
      'job.succeeded',
      'job.failed',
      'job.waiting',
      'stage.failed',
      'approval.requested',
      'runner.recovered',
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.dictionary(fc.constantFrom('error', 'stage', 'gate', 'hash', 'jobs'), fc.jsonValue()),
        fc.string({ unit: 'binary' }),
        (type, data, anyText) => {
          const job = aJob({ title: anyText, notePath: `${anyText}\ud800.md`, mergeCommit: anyText });
          const message = fitted(notificationMessage(event(type, data), job, { ...context, vaultName: anyText }));
          expect(message.title.length).toBeLessThanOrEqual(160);
          expect(message.title).not.toMatch(/\p{Cc}/u);
          expect(Buffer.byteLength(message.text)).toBeLessThan(4_096);
          expect(message.text).not.toMatch(/[^\P{Cc}\n]/u);
          expect((message.title + message.text).isWellFormed()).toBe(true);
        },
      ),
    );
  });
});

describe('its link', () => {
  const pullRequest = { number: 7, url: 'https://example.com/pull/7', state: 'open' } as const;

  it('is the dashboard where that is reached from elsewhere', () => {
    const more = { publicUrl: 'https://opus.example.com/base/' };
    expect(messageOf(event('job.failed'), aJob({ pullRequest }), more).link).toBe(
      'https://opus.example.com/base/jobs/FR-1-1',
    );
    expect(messageOf(event('runner.recovered', {}, null), null, more).link).toBe('https://opus.example.com/base/');
  });

  it('is else the pull request', () => {
    expect(messageOf(event('job.failed'), aJob({ pullRequest })).link).toBe('https://example.com/pull/7');
  });

  it.each([null, { ...pullRequest, url: 'file:///srv/app.git#pull/7' }])('is else the note', (local) => {
    const job = aJob({ pullRequest: local, notePath: '10_features/FR-1 Größe & mehr.md' });
    expect(messageOf(event('job.failed'), job).link).toBe(
      'obsidian://open?vault=My%20vault&file=10_features%2FFR-1%20Gr%C3%B6%C3%9Fe%20%26%20mehr',
    );
  });
});

describe('what a receiver is given', () => {
  it('is cut where it is too long, and its link is whole or not there', () => {
    const long = fitted({
      title: `${'t'.repeat(158)}😀😀`,
      text: 'x'.repeat(9_000),
      link: `https://${'x'.repeat(2_000)}`,
    });
    expect(long.title).toBe(`${'t'.repeat(158)}…`);
    expect(long.text).toHaveLength(1_200);
    expect(long.text.endsWith('…')).toBe(true);
    expect(long.link).toBeNull();
  });

  it('carries no control characters, and a title of one line', () => {
    expect(fitted({ title: 'a\r\nb\u001b[31m', text: '\u0000a\r\nb\u001b[0m', link: null })).toEqual({
      title: 'a b [31m',
      text: 'a\nb [0m',
      link: null,
    });
  });

  it('is known by a key of its own, of characters that every receiver takes', () => {
    const key = notificationKey({ seq: 12, createdAt: Date.parse('2026-01-02') });
    expect(key).toMatch(/^[-_A-Za-z0-9]{1,64}$/);
    expect(key).toBe(notificationKey({ seq: 12, createdAt: Date.parse('2026-01-02') }));
    const others = [
      notificationKey({ seq: 13, createdAt: Date.parse('2026-01-02') }),
      notificationKey({ seq: 12, createdAt: Date.parse('2026-01-03') }),
      foldedKey({ seq: 12, createdAt: Date.parse('2026-01-02') }, { seq: 14 }),
      foldedKey({ seq: 12, createdAt: Date.parse('2026-01-02') }, { seq: 15 }),
    ];
    expect(new Set([key, ...others]).size).toBe(5);
  });

  it('is folded into how many and which', () => {
    const messages = ['Done: FR-1', 'Failed: FR-2'].map((title) => ({ title, text: 'x', link: 'https://example.com' }));
    expect(foldedMessage(messages, context)).toEqual({
      title: '… and 2 more',
      text: 'See all jobs with: npx opus status\n- Done: FR-1\n- Failed: FR-2',
      link: null,
    });
    expect(foldedMessage(messages, { ...context, publicUrl: 'https://opus.example.com' }).link).toBe(
      'https://opus.example.com/',
    );
  });

  it('is as urgent as the most urgent of what is folded', () => {
    expect(mostUrgent(['completion', 'decision', 'failure'])).toBe('decision');
    expect(mostUrgent(['completion', 'stuck'])).toBe('stuck');
    expect(mostUrgent(['completion'])).toBe('completion');
  });
});

it('a channel that cannot be reached rests from five seconds up to a quarter of an hour', () => {
  expect([1, 2, 3, 8, 9, 1_000].map(retryAfterMs)).toEqual([5_000, 10_000, 20_000, 640_000, 900_000, 900_000]);
});
