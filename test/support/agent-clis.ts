import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';

export type CliName = NativeKind | 'qwen' | 'claude-agent-acp';

/** The CLIs that tests run against and that transcripts were recorded from, pinned. */
export const cliPackages: Readonly<Record<CliName, { readonly name: string; readonly version: string }>> = {
  claude: { name: '@anthropic-ai/claude-code', version: '2.1.329' },
  codex: { name: '@openai/codex', version: '0.169.0' },
  opencode: { name: 'opencode-ai', version: '1.18.33' },
  gemini: { name: '@google/gemini-cli', version: '0.61.0' },
  qwen: { name: '@qwen-code/qwen-code', version: '0.24.4' },
  'claude-agent-acp': { name: '@agentclientprotocol/claude-agent-acp', version: '0.100.0' },
};

export const nativeKinds: readonly NativeKind[] = ['claude', 'codex', 'opencode', 'gemini'];

/** Where `scripts/install-agents.mjs` puts them; git ignores it. */
export const agentsFolder = join(import.meta.dirname, '..', '..', '.cache', 'agents');

export interface InstalledCli {
  readonly path: string;
  readonly version: string;
}

/** A CLI of such a folder; null when it is not there. */
export function installedCli(name: CliName, folder = agentsFolder): InstalledCli | null {
  const modules = join(folder, name, 'node_modules');
  const path = join(modules, '.bin', name);
  if (!existsSync(path)) return null;
  const manifest = readFileSync(join(modules, ...cliPackages[name].name.split('/'), 'package.json'), 'utf8');
  return { path, version: (JSON.parse(manifest) as { version: string }).version };
}
