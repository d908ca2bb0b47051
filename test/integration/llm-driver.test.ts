import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalformedJson } from '../../runner/core/ports/agent.ts';
import { llmLab } from '../support/llm-lab.ts';
import { canary, openGatewayLab, type GatewayLab } from '../support/gateway-lab.ts';
import type { ScriptedTurn } from '../support/scripted-models.ts';

const done = { name: 'submit_result', input: { summary: 'It is done.' } };
const use = (name: string, input: unknown) => ({ tools: [{ name, input }] });
const submit = { tools: [done] };

let models: GatewayLab;
let folder: string;
let lab: ReturnType<typeof llmLab>;
beforeEach(async () => {
  models = await openGatewayLab();
  folder = mkdtempSync(join(tmpdir(), 'llm-'));
  lab = llmLab(folder);
  writeFileSync(join(lab.tree, 'a.txt'), 'one\ntwo\nthree\n');
});
afterEach(() => models.close());

/** What the tools answered, in order. */
const answers = (run: Awaited<ReturnType<typeof lab.run>>) =>
  run.events.flatMap((event) => (event.kind === 'tool-result' ? [event.output] : []));

async function code(...turns: readonly ScriptedTurn[]) {
  models.provider.say(...turns, submit);
  return lab.run(await models.open());
}

describe('an llm agent', () => {
  it.each(['anthropic/claude-sonnet-4-5', 'openai/gpt-5', 'google/gemini-2.5-pro', 'house/qwen/qwen3'])(
    'changes a file and hands over its result through %s',
    async (model) => {
      const usage = { input: 900, cacheRead: 300, output: 40 };
      models.provider.say(
        { text: 'Let me see.', ...use('write_file', { path: 'src/b.txt', content: 'new' }), usage },
        submit,
      );
      const { outcome, events } = await lab.run(await models.open(), { model });
      expect(outcome).toMatchObject({ kind: 'finished', result: { summary: 'It is done.' } });
      expect(readFileSync(join(lab.tree, 'src/b.txt'), 'utf8')).toBe('new');
      expect(events).toMatchObject([
        { kind: 'session', id: outcome.report.session },
        { kind: 'tool-call', name: 'write_file' },
        { kind: 'file-change', path: 'src/b.txt', change: 'added' },
        { kind: 'tool-result', ok: true },
        { kind: 'usage', usage: { ...usage, cacheWrite: 0 }, cost: null },
        { kind: 'text', text: 'Let me see.' },
        { kind: 'tool-call', name: 'submit_result' },
        { kind: 'tool-result', ok: true },
        { kind: 'usage' },
        { kind: 'done', ok: true, text: 'Let me see.' },
      ]);
      expect(models.records).toHaveLength(2);
      expect(JSON.stringify([outcome, events])).not.toContain(canary);
    },
  );

  it('reads, lists, searches, edits and runs commands in its tree', async () => {
    mkdirSync(join(lab.tree, 'src'));
    writeFileSync(join(lab.tree, 'src/x.ts'), 'const answer = 42;\n');
    const run = await code(
      use('read_file', { path: 'a.txt', offset: 2, limit: 1 }),
      use('list_files', {}),
      use('list_files', { pattern: '*.ts' }),
      use('search', { pattern: 'ANSWER +=', ignore_case: true, files: '*.ts' }),
      use('edit_file', { path: 'src/x.ts', old_text: '42', new_text: '43' }),
      use('run_command', { command: 'cat src/x.ts; echo "$CI-$SECRET" >&2; exit 3' }),
    );
    expect(run.outcome.kind).toBe('finished');
    expect(answers(run).slice(0, -1)).toEqual([
      'two\n[lines 2 to 2 of 3]',
      'a.txt\nsrc/x.ts',
      'src/x.ts',
      'src/x.ts:1:const answer = 42;',
      'src/x.ts was changed.',
      '[exit code 3]\nconst answer = 43;\nyes-',
    ]);
  });

  it('tells the model what it did wrong, and goes on', async () => {
    const run = await code(
      use('read_file', { path: 'nope.txt' }),
      use('edit_file', { path: 'a.txt', old_text: 'four', new_text: '4' }),
      use('edit_file', { path: 'a.txt', old_text: 't', new_text: 'T' }),
      use('search', { pattern: '(' }),
      use('read_file', { file: 'a.txt' }),
      use('no_such_tool', {}),
      use('search', { pattern: 'x\0--bind\0/\0/all' }),
      use('run_command', { command: 'echo \0' }),
    );
    expect(run.outcome.kind).toBe('finished');
    expect(run.events.filter(({ kind }) => kind === 'tool-result').slice(0, -1)).toMatchObject(
      [
        /There is no file \.\/nope\.txt/,
        /old_text is not in a\.txt/,
        /2 times in a\.txt/,
        /parenthes|Unmatched/i,
        /path/,
        /no_such_tool/,
        /NUL/,
        /NUL/,
      ].map((output) => ({ ok: false, output: expect.stringMatching(output) as string })),
    );
  });

  it('never leaves its tree, whatever links an agent laid there', async () => {
    const secret = join(folder, 'secret.txt');
    writeFileSync(secret, 'hunter2');
    symlinkSync(secret, join(lab.tree, 'link'));
    const run = await code(
      use('read_file', { path: 'link' }),
      use('read_file', { path: secret }),
      use('search', { pattern: '.', path: '/etc/passwd' }),
      use('list_files', { path: '/usr' }),
      use('write_file', { path: 'link', content: 'gone' }),
      use('write_file', { path: '../escaped.txt', content: 'x' }),
      use('run_command', { command: `cat ${secret}` }),
    );
    expect(readFileSync(secret, 'utf8')).toBe('hunter2');
    expect(() => readFileSync(join(folder, 'escaped.txt'))).toThrow(/ENOENT/);
    expect(answers(run).join()).not.toContain('hunter2');
    expect(run.events.filter((event) => event.kind === 'tool-result' && event.ok)).toHaveLength(2);
  });

  it('gives a model no more of an output than it can use', async () => {
    writeFileSync(join(lab.tree, 'long.txt'), 'line of some length\n'.repeat(50_000));
    const run = await code(
      use('read_file', { path: 'long.txt' }),
      use('search', { pattern: 'some' }),
      use('run_command', { command: 'echo first; seq 1 2000000; echo last' }),
    );
    const sent = models.provider.requests.at(-1)?.body['messages'] as { role: string; content: string }[];
    const [read = '', found = '', printed = ''] = sent
      .filter(({ role }) => role === 'tool')
      .map(({ content }) => content);
    expect(run.outcome.kind).toBe('finished');
    for (const output of [read, found, printed]) expect(Buffer.byteLength(output)).toBeLessThan(31_000);
    expect(read).toMatch(/cut here: read the rest by offset/);
    expect(found).toMatch(/cut here/);
    expect(printed).toMatch(/^\[exit code 0\]\nfirst\n[^]*left out here[^]*\nlast$/);
  });

  it('offers tools that only look where the tree is read-only, and no more than the note leaves', async () => {
    models.provider.say(submit);
    const offered = async (treeMode: 'read-only' | 'read-write', tools: readonly string[]) => {
      models.provider.say(submit);
      await lab.run(await models.open(), { treeMode }, { tools });
      const body = models.provider.requests.at(-1)?.body as { tools: { function: { name: string } }[] };
      return body.tools.map((tool) => tool.function.name);
    };
    expect(await offered('read-only', [])).toEqual(['read_file', 'list_files', 'search', 'submit_result', 'ask_human']);
    expect(await offered('read-write', ['read_file', 'edit_file'])).toEqual([
      'read_file',
      'edit_file',
      'submit_result',
      'ask_human',
    ]);
    expect((await lab.run(await models.open(), {}, { tools: ['Bash'] })).outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'vault.agent-invalid', message: expect.stringContaining('Bash') as string },
    });
  });

  it('ends a command that takes too long and goes on', async () => {
    const run = await code(use('run_command', { command: 'sleep 60', timeout_seconds: 1 }));
    expect(run.outcome.kind).toBe('finished');
    expect(answers(run)[0]).toBe('[stopped: it did not end within 1 seconds]');
  });

  it('asks a person, and goes on in the same conversation with the answer', async () => {
    models.provider.say(use('ask_human', { question: 'Blue or green?' }));
    const asked = await lab.run(await models.open());
    expect(asked.outcome).toMatchObject({ kind: 'asked', question: 'Blue or green?' });
    expect(asked.events).toContainEqual({ kind: 'question', question: 'Blue or green?' });
    models.provider.say(submit);
    const { outcome } = await lab.run(await models.open(), { session: asked.outcome.report.session, prompt: 'Green.' });
    expect(outcome).toMatchObject({ kind: 'finished', report: { session: asked.outcome.report.session } });
    const sent = JSON.stringify(models.provider.requests.at(-1)?.body['messages']);
    expect(sent).toMatch(/Do it\..*Blue or green\?.*Green\./);
  });

  it('begins afresh where the conversation is not known, or its file is broken', async () => {
    const first = await code();
    const { session } = first.outcome.report;
    writeFileSync(join(folder, 'state', `${session ?? ''}.json`), '{"version":1,"messages":[{"role":"king"}]}');
    for (const unknown of [session, '../../../etc/passwd', '00000000-0000-0000-0000-000000000000']) {
      models.provider.say(submit);
      const { outcome } = await lab.run(await models.open(), { session: unknown, prompt: 'Whole context.' });
      expect(outcome).toMatchObject({ kind: 'finished' });
      expect(outcome.report.session).not.toBe(unknown);
      expect(models.provider.requests.at(-1)?.body['messages']).toHaveLength(2);
    }
  });

  it('reminds a model that only talks, and takes its result from what it says', async () => {
    models.provider.say({ text: 'All is well.' }, { text: '```json\n{"summary":"said"}\n```' });
    const talked = await lab.run(await models.open());
    expect(talked.outcome).toMatchObject({ kind: 'finished', result: { summary: 'said' } });
    expect(models.provider.requests.at(-1)?.body['tools']).toMatchObject([{ function: { name: 'submit_result' } }]);
    models.provider.say({ text: 'All is well.' }, { text: 'Very well.' });
    expect((await lab.run(await models.open())).outcome).toMatchObject({ error: { code: 'agent.no-result' } });
  });

  it('lets a model mend a malformed result, and hands over what stays malformed as such', async () => {
    const bad = use('submit_result', { summery: 'typo' });
    expect((await code(bad)).outcome).toMatchObject({ kind: 'finished', result: { summary: 'It is done.' } });
    models.provider.say({ text: 'Hm.' }, bad);
    const { outcome } = await lab.run(await models.open());
    expect(outcome.kind === 'finished' && outcome.result).toBeInstanceOf(MalformedJson);
  });

  it('ends after as many answers as it may give', async () => {
    lab = llmLab(folder, { steps: 3 });
    const look = use('list_files', {});
    models.provider.say(look, look, look, look);
    expect((await lab.run(await models.open())).outcome).toMatchObject({ error: { code: 'agent.no-result' } });
    expect(models.provider.requests).toHaveLength(3);
  });
});
