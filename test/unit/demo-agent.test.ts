import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { codeResult, planResult, reviewResult, type AgentStage, type ReviewIssue } from '#shared/domain/stage.ts';
import { createLiquidPrompts } from '../../runner/adapters/prompts/liquid-prompts.ts';

const examples = join(import.meta.dirname, '../../examples');
const opus = join(examples, 'vault/00_system/opus');
const prompts = createLiquidPrompts();
const notes: Record<string, string> = {
  'FR-001': 'FR-001-compound-spans',
  'FR-002': 'FR-002-fewer-parts',
  'FR-003': 'FR-003-signed-spans',
  'FR-004': '../01_ideas/FR-004-weeks',
};
const agentOf = { plan: 'planner', code: 'coder', review: 'reviewer', test: 'coder' };

function body(path: string): string {
  return readFileSync(path, 'utf8').replace(/^---\n.*?\n---\n/s, '');
}

let tree: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), 'tree-'));
  cpSync(join(examples, 'repo'), tree, { recursive: true });
});

interface Call {
  readonly round?: number;
  readonly issues?: readonly ReviewIssue[];
  readonly comment?: string;
}

/** One call of the agent, with the prompt that the example vault's own note makes of these variables. */
async function call(id: string, stage: AgentStage, { round = 0, issues = [], comment = '' }: Call = {}) {
  const rules = readdirSync(join(opus, 'review-rules')).map((name) => ({
    name: name.replace('.md', ''),
    text: readFileSync(join(opus, 'review-rules', name), 'utf8'),
  }));
  const note = join(opus, 'agents', `${agentOf[stage]}.md`);
  const prompt = await prompts.render(
    body(note),
    {
      fr: { id, title: 'Title', body: body(join(examples, 'vault/10_features/03_planned', `${notes[id] ?? ''}.md`)) },
      plan: stage === 'plan' ? null : { summary: 'As planned.', steps: [{ title: 'Do it' }] },
      issues,
      evidence: stage === 'review' ? { argv: ['npm', 'test'], exitCode: 0, tail: '' } : null,
      conflict: null,
      comment,
      diff: '--- a/src/parse.js\n+++ b/src/parse.js\n@@ -1 +1 @@\n-a\n+b\n',
      rules,
      memory: [],
      round,
      stage,
      job: `${id}-1`,
      skills: [],
      constraints: '',
      result_schema: '{}',
    },
    note,
  );
  const out = mkdtempSync(join(tmpdir(), 'out-'));
  const promptFile = join(out, 'prompt.md');
  const resultFile = join(out, 'result.json');
  writeFileSync(promptFile, prompt);
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(examples, 'agent/agent.mjs'), promptFile], {
    cwd: tree,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      OPUS_STAGE: stage,
      OPUS_FR_ID: id,
      OPUS_ROUND: String(round),
      OPUS_RESULT_FILE: resultFile,
    },
  });
  const result: unknown = status === 0 ? JSON.parse(readFileSync(resultFile, 'utf8')) : null;
  return { status, stdout, stderr, result };
}

function suite(): { status: number | null; output: string } {
  // A test runner inside a test runner reports to its parent unless told that it is alone.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ['--test'], { cwd: tree, encoding: 'utf8', env });
  return { status, output: stdout };
}

test('the example repository passes its own tests', () => {
  const { status, output } = suite();
  expect(output).toMatch(/pass 20\b/);
  expect(status).toBe(0);
});

describe('FR-001', () => {
  test('goes plan, flawed code, review that fails, mended code, review that passes', async () => {
    const plan = await call('FR-001', 'plan');
    expect(plan.stdout).toContain('demo agent: replays prepared edits, no model is called');
    expect(planResult.parse(plan.result).steps.length).toBeGreaterThan(1);

    expect(codeResult.parse((await call('FR-001', 'code')).result).done).toContain('src/parse.js');
    expect(suite().status).toBe(0);

    const first = reviewResult.parse((await call('FR-001', 'review')).result);
    expect(first).toMatchObject({
      verdict: 'fail',
      issues: [{ severity: 'major', file: 'src/parse.js', rule: 'nothing-is-guessed' }],
    });
    const [issue] = first.issues;
    const lines = readFileSync(join(tree, 'src/parse.js'), 'utf8').split('\n');
    expect(lines[(issue?.line ?? 0) - 1]).toContain('matchAll');

    await call('FR-001', 'code', { round: 1, issues: first.issues });
    expect(suite().status).toBe(0);

    const second = reviewResult.parse((await call('FR-001', 'review', { round: 1 })).result);
    expect(second).toMatchObject({ verdict: 'pass', confidence: 93, issues: [] });
  });

  test('repeats its flaw when the reviewer’s issue does not reach its prompt', async () => {
    await call('FR-001', 'code');
    const flawed = readFileSync(join(tree, 'src/parse.js'), 'utf8');
    await call('FR-001', 'code', { round: 1 });
    expect(readFileSync(join(tree, 'src/parse.js'), 'utf8')).toBe(flawed);
  });

  test('notes a person’s comment without touching the code again', async () => {
    await call('FR-001', 'code');
    const code = readFileSync(join(tree, 'src/parse.js'), 'utf8');
    await call('FR-001', 'code', { round: 2, comment: 'say it in the README' });
    expect(readFileSync(join(tree, 'README.md'), 'utf8')).toContain('Asked for in review: say it in the README');
    expect(readFileSync(join(tree, 'src/parse.js'), 'utf8')).toBe(code);
  });
});

test.each([['FR-002', []] as const, ['FR-003', ['FR-001/2-mended']] as const])(
  '%s passes at once',
  async (id, before) => {
    for (const edit of before) cpSync(join(examples, 'agent/edits', edit), tree, { recursive: true });
    expect(planResult.safeParse((await call(id, 'plan')).result).success).toBe(true);
    await call(id, 'code');
    expect(suite().status).toBe(0);
    expect(reviewResult.parse((await call(id, 'review')).result)).toMatchObject({ verdict: 'pass', issues: [] });
  },
);

test('says what it does not know, and fails', async () => {
  const { status, stderr } = await call('FR-004', 'plan');
  expect(status).toBe(1);
  expect(stderr).toContain('nothing is prepared for FR-004');
});
