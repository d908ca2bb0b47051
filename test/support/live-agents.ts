import { installedCli, type CliName, type InstalledCli } from './agent-clis.ts';

/** Set by `npm run test:live`, which is to fail where nothing can be shown. */
const isRequired = process.env['OPUS_TEST_LIVE'] === 'required';

/** Of those that a live suite wants, the ones that are installed; the others are named on standard error, loudly. */
export function liveAgents<Name extends string>(
  suite: string,
  wanted: Readonly<Record<Name, CliName>>,
): ReadonlyMap<Name, InstalledCli> {
  const names = Object.keys(wanted) as Name[];
  const found = names.flatMap((name) => {
    const program = installedCli(wanted[name]);
    return program === null ? [] : [[name, program] as const];
  });
  const missing = names.filter((name) => !found.some(([other]) => other === name));
  if (found.length === 0 && isRequired) {
    throw new Error(`No agent of ${suite} is installed. First: node scripts/run.mjs scripts/install-agents.mjs`);
  }
  if (missing.length > 0) {
    process.stderr.write(
      `\nNOT RUN LIVE (${suite}): ${missing.join(', ')} (${missing.length} of ${names.length} agents are not installed here).\n` +
        'Their transcripts are tested instead. To run them: node scripts/run.mjs scripts/install-agents.mjs\n\n',
    );
  }
  return new Map(found);
}
