import { OpusError, toOpusError } from '#shared/domain/errors.ts';
import { surveyAgents, type AgentFinding } from '../compose-agents.ts';
import { composeReader } from '../compose-reader.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import type { NoteChange } from '../engine/trust.ts';
import { showAgents } from './agents-table.ts';
import { tryAgents, type Trial } from './agents-trial.ts';
import { locateConfig } from './configuration.ts';
import { printJson, type Terminal } from './terminal.ts';

export interface AgentsOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** All that can be, or the named one. */
  readonly try?: string | true;
}

/** Which agents there are, what they need here and, with --try, whether they answer. */
export async function agents(terminal: Terminal, options: AgentsOptions): Promise<number> {
  const { json = false, try: wanted } = options;
  const { config, notes, command } = await project(terminal, options.config);
  if (wanted !== undefined && config === null) {
    throw new OpusError('config.not-found', 'There is no opus.yml, and so no agent that could be tried.', {
      hint: 'Make one with `opus init`, or name one with --config.',
    });
  }
  const { environment, signal } = terminal;
  const findings = await surveyAgents({ config, notes, environment, signal });
  const tried = wanted === undefined ? [] : toTry(findings, wanted);
  if (!json) showAgents(terminal, findings, command);
  const trials = config === null ? new Map<string, Trial>() : await tryAgents(terminal, config, tried, json);
  if (json)
    printJson(
      terminal,
      findings.map((finding) => documentOf(finding, trials.get(finding.name) ?? null)),
    );
  if (wanted !== undefined && tried.length === 0) {
    terminal.err('No agent that is in force has its program here, so none was tried.');
    return 1;
  }
  return [...trials.values()].every(({ ok }) => ok) ? 0 : 1;
}

interface Project {
  readonly config: RunnerConfig | null;
  readonly notes: readonly NoteChange[];
  readonly command: (words: string) => string;
}

/** Without an opus.yml there are only the CLIs to look for. */
async function project(terminal: Terminal, option: string | undefined): Promise<Project> {
  let located;
  try {
    located = locateConfig(terminal, option);
  } catch (thrown) {
    if (option !== undefined || toOpusError(thrown).code !== 'config.not-found') throw thrown;
    return { config: null, notes: [], command: (words) => `opus ${words}` };
  }
  const reader = composeReader(located.config);
  try {
    return { ...located, notes: await (await reader.trust()).changes() };
  } finally {
    reader.close();
  }
}

function toTry(findings: readonly AgentFinding[], wanted: string | true): readonly AgentFinding[] {
  const notes = findings.filter(({ note }) => note !== null);
  if (wanted === true) {
    // A ready note whose CLI is not here is no failure; an agent that is meant to work is.
    return notes.filter(
      ({ onlyNamed, problem, state }) =>
        !onlyNamed || (problem === null && (state === 'confirmed' || state === 'changed')),
    );
  }
  const named = notes.filter(({ name }) => name === wanted);
  if (named.length > 0) return named;
  throw new OpusError('config.usage', `No agent note has the name "${wanted}".`, {
    hint: notes.length === 0 ? 'opus init writes them.' : `There are: ${notes.map(({ name }) => name).join(', ')}.`,
  });
}

function documentOf(finding: AgentFinding, trial: Trial | null) {
  const { name, kind, note, stages, onlyNamed, state, installed, signedIn, how, problem, olderThan } = finding;
  return {
    ...{ name, kind, note, stages, only: onlyNamed ? 'named' : null },
    confirmed: state === null ? null : state === 'confirmed',
    ...{ installed, olderThan, signedIn, how, problem: problem?.message ?? null, trial },
  };
}
