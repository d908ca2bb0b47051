import { featureRequestText } from '#shared/domain/new-feature-request.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answers } from './init-answers.ts';
import { packageRoot } from '../config/package-root.ts';
import { endpointsOfNotes, modelsText, readyAgents, readyNote, stageNote } from './ready-agents.ts';

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

type ConfigAnswers = Pick<Answers, 'vault' | 'repositories' | 'test'> & Partial<Answers>;

export function configText(answers: ConfigAnswers, file: string): string {
  const repositories = answers.repositories.map(({ name, url, base }) => {
    const test = answers.test === '' ? '' : `, test: ${scalar(answers.test)}`;
    return `  ${name}: { url: ${scalar(url)}, base: ${scalar(base)}, forge: local${test} }\n`;
  });
  return `# Where things are on this machine; paths start from the folder of ${file.split('/').at(-1) ?? 'this file'}.
# What to do with them is in the vault: ${opus}/config.md.
vault: { path: ${scalar(answers.vault)} }
repos:
${repositories.join('')}${answers.ready === true ? modelsText(neededEndpoints(answers)) : ''}data: ./.opus
`;
}

/** The names under `models` that the agents ask for which work by default. */
export function neededEndpoints({ chosen = [] }: Pick<Partial<Answers>, 'chosen'>): string[] {
  return chosen.length === 0 ? [] : endpointsOfNotes(agents.map(([name, stage]) => chosenNote(chosen, name, stage)));
}

/** The notes of the example, by the chosen agents or this agent's command, and without the example's own rules. */
export function noteFiles({ agent, chosen, ready }: Answers): NoteFile[] {
  return [
    { path: `${opus}/config.md`, text: example('config.md'), namesCommands: true },
    ...agents.map(([name, stage]) => ({
      path: `${opus}/agents/${name}.md`,
      text: chosen.length > 0 ? chosenNote(chosen, name, stage) : agentNote(stage, agent, examplePrompt(name)),
      namesCommands: true,
    })),
    ...(ready ? readyAgents : []).map((name) => ({
      path: `${opus}/agents/${name}.md`,
      text: readyNote(name),
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

function examplePrompt(name: string): string {
  return example(`agents/${name}.md`).replace(/^---\n[\s\S]*?\n---\n/, '');
}

function chosenNote(chosen: readonly string[], name: string, stage: string): string {
  const [first = '', second = first] = chosen;
  return stage === 'review'
    ? stageNote(second, stage, examplePrompt(name), first)
    : stageNote(first, stage, examplePrompt(name), null);
}

function agentNote(stage: string, agent: readonly string[], prompt: string): string {
  return `---\nstage: ${stage}\ndriver: command\ncommand: [${agent.map(scalar).join(', ')}]\n---\n${prompt}`;
}

/** Plain where YAML takes it as this very text inside braces, else in double quotes, which JSON's are. */
function scalar(text: string): string {
  const plain = /^[A-Za-z./~][\w./~@+-]*(?: [A-Za-z][\w./~@+-]*)*$/.test(text);
  const isWord = /^(?:true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan)$/i.test(text);
  return plain && !isWord ? text : JSON.stringify(text);
}
