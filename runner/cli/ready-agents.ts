import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../adapters/sandbox/program-lookup.ts';
import { parseAgentNote } from '../adapters/vault/agent-note.ts';
import { packageRoot } from '../config/package-root.ts';
import { agentKinds, usualEndpoints } from '../core/agent-kinds.ts';
import { endpointsOf, selectModel } from '../core/agents.ts';

/** Agents that there is a ready note for, by name. */
export const readyAgents: readonly string[] = [...agentKinds.map(({ name }) => name), 'llm'];

const folder = join(packageRoot, 'examples', 'agents');

/** Where an agent can be led to another model than the first one's. */
const otherModels: Readonly<Record<string, string>> = { opencode: 'openai/gpt-5', llm: 'openai/gpt-5' };

/** A note for every stage, which works only for requests that name it. */
export function readyNote(name: string): string {
  const prompt = readFileSync(join(folder, 'prompt.md'), 'utf8');
  return `---\nstage: [plan, code, review]\nonly: named\n${propertiesOf(name)}---\n\n${prompt}`;
}

/** The note of one stage, with a prompt made for it; its model is another than the one of `avoided`, where it has the choice. */
export function stageNote(name: string, stage: string, prompt: string, avoided: string | null): string {
  const properties = propertiesOf(name);
  const other = otherModels[name];
  const changed =
    avoided !== null && avoided !== name && other !== undefined && shares(name, avoided)
      ? properties.replace(/^model: .*$/m, `model: ${other}`)
      : properties;
  return `---\nstage: ${stage}\n${changed}---\n${prompt}`;
}

/** The names under `models` in opus.yml that notes ask for, each once. */
export function endpointsOfNotes(notes: readonly string[]): string[] {
  const names = notes.flatMap((text) => {
    const parsed = parseAgentNote('agent.md', text);
    return parsed.kind === 'agent'
      ? endpointsOf(parsed.profile, selectModel(parsed.profile, { complexity: null }))
      : [];
  });
  return [...new Set(names)];
}

/** `models` of opus.yml: what is needed, and the others as comments, one word away. */
export function modelsText(needed: readonly string[]): string {
  const entries = Object.entries(usualEndpoints).map(([name, { entry }]) => {
    const line = `  ${name}: ${entry}\n`;
    const token =
      name === 'anthropic' ? '  # The key may also be the token of a subscription: claude setup-token\n' : '';
    return needed.includes(name) ? token + line : `  # ${line.trimStart()}`;
  });
  const head = '# What agents may ask. The runner reads the keys where they are named, and no agent sees them.\n';
  return `${head}${needed.length === 0 ? '# ' : ''}models:\n${entries.join('')}`;
}

/** Those whose CLI is on this PATH. */
export function agentsOn(path: string): string[] {
  return agentKinds.filter(({ program }) => findProgram(program, path) !== null).map(({ name }) => name);
}

function shares(name: string, other: string): boolean {
  const ask = (kind: string): string[] => endpointsOfNotes([readyNote(kind)]);
  return ask(name).some((endpoint) => ask(other).includes(endpoint));
}

function propertiesOf(name: string): string {
  return readFileSync(join(folder, `${name}.yml`), 'utf8');
}
