import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentDriver, AgentOutcome, AgentProfile, AgentRequest } from '../../runner/core/ports/agent.ts';
import type { GatewayAccess } from '../../runner/core/ports/gateway.ts';
import { defaultSandboxLimits } from '../../runner/core/ports/sandbox.ts';
import type { AgentEvent } from '../../shared/domain/agent-event.ts';
import type { CliModels } from './cli-models.ts';

export interface LabRun {
  readonly outcome: AgentOutcome;
  readonly events: readonly AgentEvent[];
  readonly output: string;
  readonly attemptFolder: string;
}

/** One job's folders and one driver: each `run` is an attempt of the code stage. */
export interface DriverLab {
  readonly tree: string;
  /** A way to the models for one run. */
  reach(models: CliModels): Promise<GatewayAccess>;
  run(more?: Partial<AgentRequest>, profile?: Partial<AgentProfile>): Promise<LabRun>;
}

export interface DriverLabOptions {
  readonly driver: AgentDriver;
  readonly profile: Pick<AgentProfile, 'driver'> & Partial<AgentProfile>;
  readonly model: string;
  readonly reach: DriverLab['reach'];
}

export function driverLab(folder: string, options: DriverLabOptions): DriverLab {
  const tree = join(folder, 'tree');
  const stateFolder = join(folder, 'attempts', 'state-coder');
  mkdirSync(tree, { recursive: true });
  let count = 0;
  return {
    tree,
    reach: options.reach,
    async run(more = {}, profile = {}) {
      const attemptFolder = join(folder, 'attempts', String((count += 1)));
      mkdirSync(attemptFolder, { recursive: true });
      mkdirSync(stateFolder, { recursive: true });
      const events: AgentEvent[] = [];
      let output = '';
      const outcome = await options.driver.run({
        profile: {
          name: 'coder',
          path: '00_system/opus/agents/coder.md',
          stages: ['code'],
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
          ...options.profile,
          ...profile,
        },
        job: 'FR-1-1',
        featureRequest: 'FR-1',
        stage: 'code',
        attempt: count,
        round: 0,
        prompt: '-- Do "it" and say $so.\n',
        model: options.model,
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
