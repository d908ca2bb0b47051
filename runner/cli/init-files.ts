import { featureRequestText } from '../core/new-feature-request.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answers } from './init-answers.ts';
import { packageRoot } from '../config/package-root.ts';

export interface NoteFile {
  /** Relative to the vault. */
  readonly path: string;
  readonly text: string;
  /** It names commands or policy, so it takes effect only when it is confirmed. */
  readonly namesCommands: boolean;
}

const opus = '00_system/opus';

export const vaultFolders = [
  '10_features/03_planned',
  '20_runs',
  `${opus}/agents`,
  `${opus}/review-rules`,
  `${opus}/memory`,
  `${opus}/templates`,
] as const;

const agents = [
  ['planner', 'plan'],
  ['coder', 'code'],
  ['reviewer', 'review'],
] as const;

export function configText(answers: Answers, file: string): string {
  const repositories = answers.repositories.map(({ name, url, base }) => {
    const test = answers.test === '' ? '' : `, test: ${scalar(answers.test)}`;
    return `  ${name}: { url: ${scalar(url)}, base: ${scalar(base)}, forge: local${test} }\n`;
  });
  return `# Where things are on this machine; paths start from the folder of ${file.split('/').at(-1) ?? 'this file'}.
# What to do with them is in the vault: ${opus}/config.md.
vault: { path: ${scalar(answers.vault)} }
repos:
${repositories.join('')}data: ./.opus
`;
}

/** The notes of the example, with this agent's command and without the example's own rules. */
export function noteFiles(agent: readonly string[]): NoteFile[] {
  return [
    { path: `${opus}/config.md`, text: example('config.md'), namesCommands: true },
    ...agents.map(([name, stage]) => ({
      path: `${opus}/agents/${name}.md`,
      text: agentNote(stage, agent, example(`agents/${name}.md`)),
      namesCommands: true,
    })),
    {
      path: `${opus}/review-rules/tests-with-the-change.md`,
      text: example('review-rules/tests-with-the-change.md'),
      namesCommands: true,
    },
    { path: `${opus}/templates/feature-request.md`, text: featureRequestText('FR-000', ''), namesCommands: false },
  ];
}

function example(path: string): string {
  return readFileSync(join(packageRoot, 'examples', 'vault', opus, path), 'utf8');
}

function agentNote(stage: string, agent: readonly string[], text: string): string {
  const prompt = text.replace(/^---\n[\s\S]*?\n---\n/, '');
  return `---\nstage: ${stage}\ndriver: command\ncommand: [${agent.map(scalar).join(', ')}]\n---\n${prompt}`;
}

/** Plain where YAML takes it as this very text inside braces, else in double quotes, which JSON's are. */
function scalar(text: string): string {
  const plain = /^[A-Za-z./~][\w./~@+-]*(?: [A-Za-z][\w./~@+-]*)*$/.test(text);
  const isWord = /^(?:true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan)$/i.test(text);
  return plain && !isWord ? text : JSON.stringify(text);
}
