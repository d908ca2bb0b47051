import { installedCli, type CliName, type InstalledCli } from './agent-clis.ts';

/** Set by `npm run test:live`, which is to fail where nothing can be shown. */
const isAskedFor = process.env['OPUS_TEST_LIVE'] === 'required';

/**
 * Of those that a live suite wants, the ones that are installed, where the run is meant to be a live one. What is not run
 * live is named on standard error, loudly.
 */
export function liveAgents<Name extends string>(
  suite: string,
  wanted: Readonly<Record<Name, CliName>>,
): ReadonlyMap<Name, InstalledCli> {
  const names = Object.keys(wanted) as Name[];
  const found = names.flatMap((name) => {
    const program = installedCli(wanted[name]);
    return program === null ? [] : [[name, program] as const];
  });
  if (found.length === 0 && isAskedFor) {
    throw new Error(`No agent of ${suite} is installed. First: node scripts/run.mjs scripts/install-agents.mjs`);
  }
  const run = isAskedFor ? found : [];
  const left = names.filter((name) => !run.some(([other]) => other === name));
  if (left.length > 0) {
    process.stderr.write(
      `\nNOT RUN LIVE (${suite}): ${left.join(', ')} (${left.length} of ${names.length} agents; ${found.length} of them installed here).\n` +
        'What they were recorded to say is tested instead. To run them: node scripts/run.mjs scripts/install-agents.mjs, then npm run test:live\n\n',
    );
  }
  return new Map(run);
}
