import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareDemoFolder } from '../../runner/cli/demo-folder.ts';
import { packageRoot } from '../../runner/config/package-root.ts';
import type { ModelRequest, ModelScript, ModelTurn } from './cli-models.ts';

const edits = join(packageRoot, 'examples/agent/edits/FR-001');
const changed = ['src/parse.js', 'test/compound.test.js'] as const;
export type Edit = '1-first' | '2-mended';

/** What the example's files hold after one of its edits. */
export function editedFiles(edit: Edit): Readonly<Record<string, string>> {
  return Object.fromEntries(changed.map((path) => [path, readFileSync(join(edits, edit, path), 'utf8')]));
}

/** Through base64: shells and those who look at commands beforehand read quotes in their own ways. */
function fileCommand(path: string, text: string): string {
  return `echo ${Buffer.from(text).toString('base64')} | base64 -d > ${path}`;
}

function resultCommand(result: unknown): string {
  return fileCommand('"$OPUS_RESULT_FILE"', JSON.stringify(result));
}

function editTurn(edit: Edit, text: string): ModelTurn {
  const commands = Object.entries(editedFiles(edit)).map(([path, file]) => fileCommand(path, file));
  return { text, run: [...commands, resultCommand({ summary: text })].join(' && ') };
}

const plan: ModelTurn = {
  text: 'Planning.',
  run: resultCommand({ summary: 'Add the parts up.', steps: [{ title: 'Match every part' }] }),
};
const failing: ModelTurn = {
  text: 'Failing it.',
  run: resultCommand({
    verdict: 'fail',
    confidence: 90,
    summary: 'It guesses.',
    issues: [{ severity: 'major', message: 'parse accepts text it does not understand', file: 'src/parse.js' }],
  }),
};
const passing: ModelTurn = {
  text: 'Passing it.',
  run: resultCommand({ verdict: 'pass', confidence: 90, summary: 'It is right.', issues: [] }),
};
const rest: ModelTurn = { text: 'Done.' };

export function isFixRound({ body, turn }: Pick<ModelRequest, 'body' | 'turn'>): boolean {
  return turn >= 0 && body.includes('You change the repository') && body.includes('Open review issues');
}

/** Works on FR-001 as planner, coder and reviewer, told apart by their prompts; a coder's second round may be a new conversation. */
export const exampleScript: ModelScript = (turn, body) => {
  if (body.includes('You plan one change')) return turn === 0 ? plan : rest;
  if (body.includes('You review one change')) {
    if (turn > 0) return rest;
    return body.includes('const span = new RegExp') ? passing : failing;
  }
  if (!isFixRound({ turn, body })) return turn === 0 ? editTurn('1-first', 'Adding up.') : rest;
  return turn === 0 || turn === 2 ? editTurn('2-mended', 'Refusing the rest.') : rest;
};

export interface LiveExample {
  /** The properties of the agent notes that say who works, as YAML lines. */
  readonly agent: string;
  readonly modelsUrl: string;
  /** The environment variable that holds the models' key. */
  readonly keyName: string;
}

/** The example in a folder, its three agents replaced by one that is led to scripted models. */
export async function makeLiveExample(folder: string, example: LiveExample): Promise<{ readonly config: string }> {
  await prepareDemoFolder(folder);
  const notes = join(folder, 'vault/00_system/opus/agents');
  for (const name of readdirSync(notes)) {
    const note = readFileSync(join(notes, name), 'utf8');
    writeFileSync(
      join(notes, name),
      note.replace(/^driver: .*\ncommand: .*$/m, () => example.agent),
    );
  }
  const config = join(folder, 'opus.yml');
  const models = Object.entries({ anthropic: '', openai: '/v1', google: '', mock: '/v1' }).map(
    ([name, path]) => `  ${name}: { url: "${example.modelsUrl}${path}", key: env:${example.keyName} }\n`,
  );
  appendFileSync(config, `trust: auto\nretry: { attempts: 1 }\nmodels:\n${models.join('')}`);
  return { config };
}
