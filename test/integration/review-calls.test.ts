import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { OpusError } from '#shared/domain/errors.ts';
import { connectToService, type ServiceClient } from '../../runner/cli/service-client.ts';
import { rpcPath } from '../../shared/protocol/version.ts';
import { makeControlLab, type ControlLab, type ControlLabOptions } from '../support/control-lab.ts';

let lab: ControlLab;
afterEach(() => lab.close());

async function served(ids: readonly string[], options: ControlLabOptions = {}, prepare?: () => void) {
  lab = makeControlLab(options);
  prepare?.();
  for (const id of ids) lab.note(id);
  await lab.serve();
  return client();
}

function client(): ServiceClient {
  const found = connectToService(lab.data);
  if (found === null) throw new Error('No service runs.');
  return found;
}

async function atGate(id: string, kind: string): Promise<string> {
  await vi.waitFor(() => {
    expect(lab.registry((registry) => registry.newestJobOf(id)?.gate?.kind)).toBe(kind);
  }, 20_000);
  const gate = lab.registry((registry) => registry.newestJobOf(id)?.gate);
  return `${gate?.kind ?? ''}@${gate?.hash ?? ''}`;
}

/** Settles when it asks for another decision than that. */
async function movedOn(id: string, gate: string): Promise<string> {
  await vi.waitFor(() => {
    const found = lab.registry((registry) => registry.newestJobOf(id)?.gate) ?? null;
    expect(found).not.toBeNull();
    expect(`${found?.kind ?? ''}@${found?.hash ?? ''}`).not.toBe(gate);
  }, 20_000);
  return await atGate(id, 'merge');
}

async function refusal(call: Promise<unknown>): Promise<string> {
  const thrown = await call.then(
    () => null,
    (error: unknown) => error as OpusError,
  );
  return thrown === null ? 'done' : `${thrown.code}: ${thrown.message}`;
}

const promptOf = (id: string): string => {
  const branch = lab.registry((registry) => registry.newestJobOf(id)?.branch) ?? '';
  return lab.git('app', 'show', `${branch}:${id}.txt`);
};

describe('reading and deciding on a change', () => {
  test('a diff is read whole, commented on at its lines, and the comments reach the agent in one fix round', async () => {
    const service = await served(['FR-1']);
    const gate = await atGate('FR-1', 'merge');
    const diff = await service.call('job.diff', { job: 'FR-1' });
    expect(diff).toMatchObject({
      job: 'FR-1-1',
      gate,
      cut: false,
      files: [{ path: 'FR-1.txt', change: 'added', cut: null }],
      issues: [],
      review: { verdict: 'pass', confidence: 90, summary: 'well', round: 0 },
      tamper: [],
      evidence: [{ argv: ['test', '-s', 'README'], exitCode: 0 }],
    });
    expect(diff.files[0]?.hunks[0]?.lines[0]).toEqual({ kind: 'added', text: 'Request FR-1', before: null, after: 1 });

    const sent = await service.call('job.comment', {
      job: 'FR-1',
      comment: 'Nearly there.',
      comments: [{ file: 'FR-1.txt', line: 1, body: 'Paint it\nblue' }],
      gate,
    });
    expect(sent).toMatchObject({ job: 'FR-1-1', gate: null });
    await movedOn('FR-1', gate);
    expect(lab.story('FR-1-1').filter((line) => line === 'code passed')).toHaveLength(2);
    expect(promptOf('FR-1')).toContain('Nearly there.\n\nFR-1.txt:1: Paint it\n  blue');
    expect(await service.call('job.get', { job: 'FR-1' })).toMatchObject({
      rounds: 1,
      decisions: [{ kind: 'changes' }],
    });
  });

  test('what was shown before is refused, whoever decides and whatever the word', async () => {
    const service = await served(['FR-1']);
    const before = await atGate('FR-1', 'merge');
    await service.call('approval.decide', {
      job: 'FR-1',
      kind: 'changes',
      comment: 'More.',
      gate: before.slice(0, 14),
    });
    const now = await movedOn('FR-1', before);
    const stale = `registry.gate-stale: You were shown ${before.slice(0, 14)}, but FR-1-1 asks for ${now.slice(0, 14)} now. Nothing was decided.`;
    for (const kind of ['approve', 'changes', 'reject'] as const) {
      const call = service.call('approval.decide', { job: 'FR-1', kind, comment: 'Yes.', gate: before });
      expect(await refusal(call)).toBe(stale);
    }
    expect(await refusal(service.call('job.comment', { job: 'FR-1', comment: 'Yes.', gate: before }))).toBe(stale);
    expect(lab.events('approval.decided')).toHaveLength(1);
    expect(lab.standing('FR-1')).toBe('waiting approval');

    await service.call('approval.decide', { job: 'FR-1', kind: 'approve', gate: now, person: 'ada', device: 'phone' });
    await lab.stands('FR-1', 'succeeded');
    const late = service.call('approval.decide', { job: 'FR-1', kind: 'reject', gate: now });
    expect(await refusal(late)).toMatch(/^registry\.gate-stale: .* asks for no decision any more; it is succeeded\./);
    const { decisions } = await service.call('job.get', { job: 'FR-1' });
    expect(decisions.at(-1)).toMatchObject({ kind: 'approve', person: 'ada', device: 'phone', channel: 'cli' });
  });

  test('of two who decide at once on what both were shown, one is heard', async () => {
    const service = await served(['FR-1']);
    const gate = await atGate('FR-1', 'merge');
    const said = await Promise.all(
      ['ada', 'bob'].map((person) =>
        refusal(service.call('approval.decide', { job: 'FR-1', kind: 'approve', gate, person })),
      ),
    );
    expect(said.filter((outcome) => outcome === 'done')).toHaveLength(1);
    expect(said.find((outcome) => outcome !== 'done')).toMatch(/^registry\.gate-stale: /);
    expect(lab.events('approval.decided')).toHaveLength(1);
    await lab.stands('FR-1', 'succeeded');
  });

  test('a job that rests with a person goes back to code with the comments; one at work does not', async () => {
    const service = await served(['FR-1', 'FR-2'], { config: ['rounds: 0'] }, () => {
      lab.refuse('FR-1', true);
      lab.hold('FR-2');
    });
    await lab.stands('FR-1', 'waiting human');
    await lab.working('FR-2.code');
    expect(await service.call('job.diff', { job: 'FR-2' })).toMatchObject({ files: [], head: null, gate: null });
    expect(await service.call('job.diff', { job: 'FR-1' })).toMatchObject({
      gate: null,
      review: { verdict: 'fail' },
      issues: [{ severity: 'major', message: 'not yet' }],
    });
    expect(await refusal(service.call('job.comment', { job: 'FR-1' }))).toMatch(/^config\.usage: /);
    expect(await refusal(service.call('job.comment', { job: 'FR-2', comment: 'Blue.' }))).toBe(
      'registry.no-gate: FR-2-1 cannot be sent back with comments now; it is running.',
    );
    const gone = service.call('job.comment', { job: 'FR-1', comment: 'Blue.', gate: `merge@${'0'.repeat(40)}` });
    expect(await refusal(gone)).toMatch(/^registry\.gate-stale: .* waiting for a person to mend it\./);

    lab.refuse('FR-1', false);
    await service.call('job.comment', { job: 'FR-1', comments: [{ file: 'FR-1.txt', line: null, body: 'Blue.' }] });
    await atGate('FR-1', 'merge');
    expect(promptOf('FR-1')).toContain('FR-1.txt: Blue.');
  });

  test('an agent’s question is shown on the board, and its answer bound to it', async () => {
    const service = await served(['FR-1'], {}, () => {
      const script = join(lab.folder, 'agents/agent.sh');
      const asking = `if [ $OPUS_STAGE = code ] && ! grep -q Blue "$OPUS_PROMPT_FILE"; then
  echo 'Which colour?' > "$OPUS_OUT_DIR/question"; exit 0
fi`;
      writeFileSync(
        script,
        readFileSync(script, 'utf8').replace('case $OPUS_STAGE in', `${asking}\ncase $OPUS_STAGE in`),
      );
    });
    const question = await atGate('FR-1', 'question');
    const { jobs } = await service.call('board.get', {});
    expect(jobs).toMatchObject([
      { job: 'FR-1-1', question: 'Which colour?', sentence: 'Which colour?', gateHash: question.split('@')[1] },
    ]);
    expect(await refusal(service.call('job.comment', { job: 'FR-1', comment: 'Blue.' }))).toMatch(
      /^registry\.no-gate: .* it asks for question@[0-9a-f]{8}, which is not about its change\.$/,
    );
    const other = `question@${'0'.repeat(64)}`;
    expect(await refusal(service.call('question.answer', { job: 'FR-1', answer: 'Red.', gate: other }))).toMatch(
      /^registry\.gate-stale: /,
    );
    await service.call('question.answer', { job: 'FR-1', answer: 'Blue.', gate: question });
    const gate = await atGate('FR-1', 'merge');
    expect(promptOf('FR-1')).toContain('Blue.');
    expect(await refusal(service.call('question.answer', { job: 'FR-1', answer: 'Blue.', gate }))).toBe(
      'registry.no-gate: FR-1-1 asks no question now.',
    );
  });
});

describe('a paired device', () => {
  interface Answer {
    readonly result?: { readonly token: string; readonly decisions: readonly unknown[] };
    readonly error?: { readonly data: { readonly code: string; readonly message: string } };
  }

  async function ask(url: string, token: string | null, method: string, params: unknown): Promise<Answer> {
    const response = await fetch(new URL(rpcPath, url), {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    return (await response.json()) as Answer;
  }

  /** Speaks to the service as the device does, and for its person. */
  async function paired(service: ServiceClient, person: string, device: string) {
    const { url } = service.service;
    const { code } = await service.call('pairing.create', { role: 'approver', person });
    const { result } = await ask(url, null, 'device.pair', { code, device });
    return (method: string, params: unknown) => ask(url, result?.token ?? '', method, params);
  }

  test('decides for its person, and for nobody else; the decision keeps both', async () => {
    const service = await served(['FR-1'], { policy: ['approvers: [ada]'] });
    const gate = await atGate('FR-1', 'merge');
    const phone = await paired(service, 'ada', 'phone of ada');
    const other = await paired(service, 'bob', 'phone of bob');
    const decision = { job: 'FR-1', kind: 'approve', gate };
    expect((await other('approval.decide', { ...decision, person: 'ada' })).error?.data).toMatchObject({
      code: 'protocol.forbidden',
      message: 'This device decides for bob and for nobody else.',
    });
    expect((await other('approval.decide', decision)).error?.data).toMatchObject({
      code: 'registry.not-approver',
      message: 'bob may not decide on FR-1-1.',
    });
    expect((await other('job.comment', { job: 'FR-1', comment: 'Blue.', gate })).error?.data.code).toBe(
      'registry.not-approver',
    );
    expect(lab.events('approval.decided')).toEqual([]);
    const decided = await phone('approval.decide', { ...decision, person: 'ada', device: 'another name' });
    expect(decided.result?.decisions).toMatchObject([
      { kind: 'approve', person: 'ada', device: 'phone of ada', channel: 'plugin' },
    ]);
    await lab.stands('FR-1', 'succeeded');
  });
});

describe('confirming notes', () => {
  const path = '00_system/opus/agents/coder.md';
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

  test('exactly what was shown is put in force, and what waited for it starts', async () => {
    const service = await served([], { config: ['trust: confirm'] });
    // What is planned before the vault was first seen would wait for a word of its own.
    lab.note('FR-1');
    const { notes } = await service.call('trust.list', {});
    expect(notes.map((note) => [note.path, note.state, note.before])).toEqual([
      [path, 'new', null],
      ['00_system/opus/agents/reviewr.md', 'new', null],
      ['00_system/opus/config.md', 'new', null],
    ]);
    expect((await service.call('board.get', {})).untrusted).toBe(3);
    const shown = notes.map((note) => ({ path: note.path, hash: note.hash }));
    const coder = join(lab.vault, path);
    const text = readFileSync(coder, 'utf8');
    expect(notes[0]).toMatchObject({ after: text, hash: hash(text), problems: [] });

    writeFileSync(coder, `${text}And mine.\n`);
    expect(await refusal(service.call('trust.confirm', { shown }))).toBe(
      `config.untrusted: ${path} was changed while you looked at it, so nothing was confirmed.`,
    );
    const unknown = service.call('trust.confirm', {
      shown: [...shown.slice(1), { path: '10_features/FR-1.md', hash: null }],
    });
    expect(await refusal(unknown)).toMatch(/10_features\/FR-1\.md does not wait to be confirmed/);
    expect(lab.registry((registry) => registry.trustedNotes())).toEqual([]);

    writeFileSync(coder, text);
    expect(await service.call('trust.confirm', { shown })).toEqual({ confirmed: 3 });
    expect(await service.call('trust.list', {})).toEqual({ notes: [] });
    expect((await service.call('board.get', {})).untrusted).toBe(0);
    await lab.stands('FR-1', 'waiting approval');
    expect(await refusal(service.call('trust.confirm', { shown }))).toMatch(/does not wait to be confirmed/);
  });

  test('a broken note takes effect by nobody’s word', async () => {
    const service = await served([], { config: ['trust: confirm'] }, () => {
      writeFileSync(join(lab.vault, path), '---\nstage: nothing\ndriver: command\n---\nDo it.\n');
    });
    const { notes } = await service.call('trust.list', {});
    const broken = notes.find((note) => note.path === path);
    expect(broken?.problems).not.toEqual([]);
    const call = service.call('trust.confirm', { shown: [{ path, hash: broken?.hash ?? null }] });
    expect(await refusal(call)).toMatch(/coder\.md:\d+ cannot take effect, so nothing was confirmed/);
    expect(lab.registry((registry) => registry.trustedNotes())).toEqual([]);
  });
});
