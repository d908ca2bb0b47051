import { dispositionOf, toOpusError } from '#shared/domain/errors.ts';
import type { Circuits, CircuitVerdict } from '../core/ports/circuits.ts';
import type { Forge } from '../core/ports/forge.ts';

/** A forge that is left alone for a while when it keeps failing. `repository` names the circuit. */
export function guardedForge(forge: Forge, circuits: Circuits, repository: string): Forge {
  const guarded = <Result>(body: () => Promise<Result>): Promise<Result> =>
    circuits.run('forge', repository, body, judge);
  return {
    open: (request) => guarded(() => forge.open(request)),
    find: (address, head) => guarded(() => forge.find(address, head)),
    markMerged: (address, number, commit) => guarded(() => forge.markMerged(address, number, commit)),
    close: (address, number) => guarded(() => forge.close(address, number)),
    pushTarget: (address) => guarded(() => forge.pushTarget(address)),
  };
}

/** What is wrong with one request, such as a closed pull request, says nothing about the forge. */
function judge(ended: PromiseSettledResult<unknown>): CircuitVerdict {
  if (ended.status === 'fulfilled') return 'success';
  return dispositionOf(toOpusError(ended.reason).code) === 'retry' ? 'failure' : 'neither';
}
