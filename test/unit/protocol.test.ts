import { describe, expect, it } from 'vitest';
import { OpusError } from '../../shared/domain/errors.ts';
import { describeIssues, rpcErrorOf, rpcRequest } from '../../shared/protocol/envelope.ts';
import { methodParams } from '../../shared/protocol/method-params.ts';
import { isMethodName, type MethodName } from '../../shared/protocol/methods.ts';
import { opusErrorOf } from '../../shared/protocol/opus-error-of.ts';
import { rpcPath } from '../../shared/protocol/version.ts';

const names = Object.keys(methodParams) as MethodName[];

describe('the methods of the protocol', () => {
  it('are these', () => {
    expect(rpcPath).toBe('/api/v1/rpc');
    expect(names.sort()).toEqual([
      'approval.decide',
      'backup.create',
      'board.get',
      'device.list',
      'device.pair',
      'device.revoke',
      'device.unpair',
      'events.since',
      'fr.dispatch',
      'fr.dispatch-all',
      'fr.set',
      'fr.validate',
      'job.cancel',
      'job.checkout',
      'job.comment',
      'job.diff',
      'job.get',
      'job.list',
      'job.log',
      'job.pause',
      'job.resume',
      'job.retry',
      'job.return',
      'job.revert',
      'job.unblock',
      'output.subscribe',
      'output.unsubscribe',
      'pairing.create',
      'question.answer',
      'runner.drain',
      'runner.pause',
      'runner.reload',
      'runner.resume',
      'runner.status',
      'trust.confirm',
      'trust.list',
      'vault.applied',
      'vault.bundle',
    ]);
  });

  it.each(['constructor', '__proto__', 'toString', 'job.explode', ''])('do not include "%s"', (name) => {
    expect(isMethodName(name)).toBe(false);
  });

  it.each(names)('take nothing that %s does not know', (name) => {
    const everything = {
      ...{ job: 'FR-1-1', fr: 'FR-1', kind: 'approve', person: 'me', dir: '/tmp/x', device: 'phone', code: 'ABCD' },
      ...{ answer: 'Blue.', shown: [], subscription: 1, id: 'w-1', outcome: { kind: 'written' } },
    };
    const known = Object.keys(methodParams[name].shape);
    const params = Object.fromEntries(Object.entries(everything).filter(([key]) => known.includes(key)));
    expect(methodParams[name].safeParse(params).success).toBe(true);
    expect(methodParams[name].safeParse({ ...params, unknown: 1 }).success).toBe(false);
  });

  it('fill in what may be left out', () => {
    expect(methodParams['fr.dispatch'].parse({ fr: 'FR-1' })).toEqual({ fr: 'FR-1', again: false });
    expect(methodParams['job.retry'].parse({ job: 'FR-1' })).toEqual({ job: 'FR-1', comment: '' });
    expect(methodParams['events.since'].parse({})).toEqual({ limit: 100, waitMs: 0 });
  });

  it.each([
    ['job.get', { job: '' }],
    ['job.get', { job: 'x'.repeat(121) }],
    ['job.retry', { job: 'FR-1', from: 'lunch' }],
    ['job.retry', { job: 'FR-1', rounds: 0 }],
    ['job.checkout', { job: 'FR-1', dir: '../x' }],
    ['approval.decide', { job: 'FR-1', kind: 'perhaps', person: 'me' }],
    ['approval.decide', { job: 'FR-1', kind: 'approve', person: '' }],
    ['approval.decide', { job: 'FR-1', kind: 'approve', gate: 'merge@1234567' }],
    ['job.comment', { job: 'FR-1', comments: [{ file: 'a', line: 0, body: 'x' }] }],
    ['events.since', { afterSeq: -1 }],
    ['events.since', { afterSeq: 1.5 }],
    ['events.since', { waitMs: 3_600_000 }],
    ['events.since', { limit: 1_000_000 }],
  ] as const)('refuse %s %j', (name, params) => {
    expect(methodParams[name].safeParse(params).success).toBe(false);
  });
});

describe('the errors of the protocol', () => {
  it('arrive as they were sent', () => {
    const sent = new OpusError('registry.no-gate', 'FR-1-1 asks nothing.', { hint: 'opus job show FR-1-1' });
    const arrived = opusErrorOf(JSON.parse(JSON.stringify(rpcErrorOf(sent))));
    expect(arrived.summary()).toEqual(sent.summary());
  });

  it('keep their sentence when a newer runner uses a code that is not known here', () => {
    const error = opusErrorOf({
      code: -32_000,
      message: 'x',
      data: { code: 'moon.full', message: 'Howl.', hint: null },
    });
    expect(error.summary()).toEqual({ code: 'internal.unexpected', message: 'Howl.', hint: null });
  });

  it.each([
    [{ code: -32_601, message: 'There is no method "x".' }, 'There is no method "x".'],
    [null, 'The call was refused without a reason.'],
    ['no', 'The call was refused without a reason.'],
    [{ message: 7, data: [] }, 'The call was refused without a reason.'],
  ])('are made of whatever came: %j', (error, message) => {
    expect(opusErrorOf(error).summary()).toEqual({ code: 'protocol.invalid', message, hint: null });
  });

  it('name every place, shortly', () => {
    const result = rpcRequest.safeParse({ jsonrpc: '1.0', id: {}, method: '', extra: 1 });
    expect(describeIssues(result.error?.issues ?? [], 'request')).toBe(
      'request.jsonrpc must be one of 2.0; request.id is not what it should be; ' +
        'request.method must have at least 1; request has no extra',
    );
  });
});
