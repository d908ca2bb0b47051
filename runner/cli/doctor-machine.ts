import { createHostGit } from '../adapters/git/host-git.ts';
import { createBubblewrapSandbox } from '../adapters/sandbox/bubblewrap.ts';
import { findProgram } from '../adapters/sandbox/program-lookup.ts';
import type { RunnerConfig } from '../core/configuration.ts';
import { fine, missing, warning, type Check } from './doctor-check.ts';
import type { Terminal } from './terminal.ts';

const oldestNode = 24;
const oldestGit = [2, 38] as const;

/** What every project needs of the machine. */
export async function machineChecks(terminal: Terminal, config: RunnerConfig | null): Promise<Check[]> {
  return [nodeCheck(), await gitCheck(), await sandboxCheck(config), prlimitCheck(terminal)];
}

function nodeCheck(): Check {
  const { node } = process.versions;
  if (Number(node.split('.')[0]) >= oldestNode) return fine('node', node);
  return missing(
    'node',
    `${node} is older than ${oldestNode}.`,
    `Install Node ${oldestNode} or newer: https://nodejs.org`,
  );
}

/** Merging without a tree came with 2.38. */
async function gitCheck(): Promise<Check> {
  const install = 'sudo apt-get install -y git';
  const result = await createHostGit()
    .run(['--version'], { timeoutMs: 10_000 })
    .catch(() => null);
  const version = /(\d+)\.(\d+)(?:\.\d+)?/.exec(result?.stdout ?? '');
  if (!version) return missing('git', 'It is not on PATH.', install);
  const [text, major, minor] = version;
  const isNew = Number(major) > oldestGit[0] || (Number(major) === oldestGit[0] && Number(minor) >= oldestGit[1]);
  return isNew ? fine('git', text) : missing('git', `${text} is older than ${oldestGit.join('.')}.`, install);
}

async function sandboxCheck(config: RunnerConfig | null): Promise<Check> {
  const state = await createBubblewrapSandbox().probe();
  const wanted = config?.sandbox ?? 'required';
  if (wanted === 'off') {
    return warning(
      'sandbox',
      `Switched off in opus.yml: agents can reach all that you can.`,
      'Write "sandbox: required" in opus.yml.',
    );
  }
  if (state.kind === 'isolated') return fine('sandbox', state.detail);
  const check = wanted === 'required' ? missing : warning;
  return check('sandbox', state.reason, state.hint);
}

function prlimitCheck(terminal: Terminal): Check {
  const place = findProgram('prlimit', terminal.environment['PATH'] ?? '');
  if (place !== null) return fine('prlimit', place);
  return missing(
    'prlimit',
    'It is not on PATH, so agents cannot be given limits.',
    'sudo apt-get install -y util-linux',
  );
}
