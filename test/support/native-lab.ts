import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createNativeDriver, type NativeDriverOptions } from '../../runner/adapters/agents/native/native-driver.ts';
import type { NativeKind } from '../../runner/adapters/agents/native/native-cli.ts';
import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import type { AgentOutcome, AgentProfile, AgentRequest } from '../../runner/core/ports/agent.ts';
import { defaultSandboxLimits } from '../../runner/core/ports/sandbox.ts';
import type { AgentEvent } from '../../shared/domain/agent-event.ts';

/** The model that each CLI is asked for in tests. */
export const labModels: Readonly<Record<NativeKind, string>> = {
  claude: 'claude-sonnet-4-5',
  codex: 'gpt-5',
  opencode: 'mock/scripted',
  gemini: 'gemini-2.5-pro',
};

export interface LabRun {
  readonly outcome: AgentOutcome;
  readonly events: readonly AgentEvent[];
  readonly output: string;
  readonly attemptFolder: string;
}

/** One job's folders and one driver: each `run` is an attempt of the code stage. */
export function nativeLab(
  folder: string,
  kind: NativeKind,
  program: { readonly path: string; readonly version: string } | null,
  options: Partial<NativeDriverOptions> = {},
) {
  const tree = join(folder, 'tree');
  const stateFolder = join(folder, 'attempts', 'state-coder');
  mkdirSync(tree, { recursive: true });
  const driver = createNativeDriver({
    kind,
    sandbox: createBubblewrapSandbox({ watchMs: 50 }),
    installed: () => program,
    environment: {},
    home: '/home/nobody',
    ...options,
  });
  let count = 0;
  return {
    tree,
    async run(more: Partial<AgentRequest> = {}, profile: Partial<AgentProfile> = {}): Promise<LabRun> {
      const attemptFolder = join(folder, 'attempts', String((count += 1)));
      mkdirSync(attemptFolder, { recursive: true });
      mkdirSync(stateFolder, { recursive: true });
      const events: AgentEvent[] = [];
      let output = '';
      const outcome = await driver.run({
        profile: {
          name: 'coder',
          path: '00_system/opus/agents/coder.md',
          stages: ['code'],
          driver: kind,
          command: [],
          model: null,
          timeoutMs: null,
          stallMs: null,
          concurrency: null,
          reads: [],
          network: [],
          endpoints: [],
          env: [],
          skills: [],
          constraints: '',
          match: null,
          template: '',
          ...profile,
        },
        job: 'FR-1-1',
        featureRequest: 'FR-1',
        stage: 'code',
        attempt: count,
        round: 0,
        prompt: '-- Do "it" and say $so.\n',
        model: labModels[kind],
        tree: {
          path: tree,
          commit: 'c',
          repository: { name: 'app', url: '/x' },
          job: 'FR-1-1',
          mounts: [{ source: tree, mode: 'read-write' }],
        },
        treeMode: 'read-write',
        attemptFolder,
        stateFolder,
        plan: null,
        logFile: join(folder, 'log', `${count}.log`),
        timeoutMs: 55_000,
        stallMs: 40_000,
        limits: defaultSandboxLimits,
        hidden: [],
        signal: new AbortController().signal,
        session: null,
        gateway: null,
        onEvent: (event) => events.push(event),
        onOutput: (text) => {
          output += text;
        },
        ...more,
      });
      return { outcome, events, output, attemptFolder };
    },
  };
}
