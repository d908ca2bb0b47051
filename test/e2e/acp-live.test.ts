import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acpCliLab, acpClis, acpNames, type AcpName } from '../support/acp-clis.ts';
import { cliPackages, type CliName } from '../support/agent-clis.ts';
import { liveAgents } from '../support/live-agents.ts';
import { nativeCases, type NativeCase } from '../support/native-cases.ts';

const wanted = Object.fromEntries(acpNames.map((name) => [name, acpClis[name].cli])) as Record<AcpName, CliName>;
const installed = liveAgents('agents that speak ACP', wanted);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'l-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** How a case ends: a result's summary, or a failure's code. */
const ends: Readonly<Record<NativeCase, string>> = {
  success: 'did it',
  resume: 'fixed',
  'unknown-tool': 'without',
  'malformed-tool': 'without',
  'unknown-session': 'did it',
  'http-400': 'agent.failed',
  'http-401': 'agent.credentials',
  'http-429': 'agent.usage-limit',
  'http-429-silent': 'agent.usage-limit',
  // They repeat without a word what may go better the next time.
  'http-529': 'agent.stalled',
  dropped: 'agent.stalled',
  hang: 'agent.stalled',
  'kill-and-resume': 'fixed',
};
const otherEnds: Partial<Record<AcpName, Partial<Record<NativeCase, string>>>> = {
  // It begins afresh, and so does the script; and it says what broke.
  'gemini-acp': { resume: 'did it', dropped: 'agent.failed' },
  // Each time it repeats, it tells the beginning again.
  'opencode-acp': { dropped: 'agent.stalled or agent.timeout' },
  // It takes half an answer for a whole one.
  'qwen-acp': { dropped: 'agent.no-result' },
};

describe.each(acpNames)('%s, the real one', (name) => {
  const program = installed.get(name) ?? null;

  it.runIf(program !== null)('is of the pinned version', () => {
    expect(program?.version).toBe(cliPackages[acpClis[name].cli].version);
  });

  it.runIf(program !== null).each(Object.keys(nativeCases) as NativeCase[])(
    '%s',
    { timeout: 120_000 },
    async (caseName) => {
      const lab = acpCliLab(folder, name, program?.path ?? '');
      const { outcome, output } = await nativeCases[caseName](lab);
      const end =
        outcome.kind === 'finished'
          ? (outcome.result as { summary: string }).summary
          : outcome.kind === 'failed'
            ? outcome.error.code
            : outcome.kind;
      expect((otherEnds[name]?.[caseName] ?? ends[caseName]).split(' or '), output).toContain(end);
      expect(output).not.toContain('updates that are not known');
      if (caseName === 'success') expect(readFileSync(join(lab.tree, 'hello.txt'), 'utf8')).toMatch(/^hello\n?$/);
      if (caseName === 'kill-and-resume' || caseName === 'resume') {
        expect(output.includes('afresh')).toBe(name === 'gemini-acp');
      }
    },
  );
});
