import { createUnconfinedSandbox } from './adapters/sandbox/unconfined.ts';
import type { RunnerConfig } from './core/configuration.ts';
import type { Sandbox, SandboxProbe } from './core/ports/sandbox.ts';

/** `required` gives the isolating one even where it does not work: every run then says why. */
export async function chooseSandbox(
  config: Pick<RunnerConfig, 'sandbox'>,
  isolating: Sandbox,
): Promise<{ sandbox: Sandbox; state: SandboxProbe }> {
  if (config.sandbox === 'off') {
    const sandbox = createUnconfinedSandbox({
      reason: 'opus.yml says "sandbox: off".',
      hint: 'Write "sandbox: required" in opus.yml.',
    });
    return { sandbox, state: await sandbox.probe() };
  }
  const state = await isolating.probe();
  if (state.kind === 'isolated' || config.sandbox === 'required') return { sandbox: isolating, state };
  return { sandbox: createUnconfinedSandbox({ reason: state.reason, hint: state.hint }), state };
}

/** Counts the runs that are going on. */
export function counted(sandbox: Sandbox): { readonly sandbox: Sandbox; alive(): number } {
  let alive = 0;
  return {
    alive: () => alive,
    sandbox: {
      probe: () => sandbox.probe(),
      async run(request) {
        alive += 1;
        try {
          return await sandbox.run(request);
        } finally {
          alive -= 1;
        }
      },
    },
  };
}
