import type { SandboxResult } from '../../core/ports/sandbox.ts';
import type { OutputCollector } from './output-collector.ts';
import type { Ended } from './supervised-run.ts';

/** ILL TRAP ABRT BUS FPE KILL SEGV PIPE TERM XCPU XFSZ SYS: signals that end programs, as shells report them. */
const endingSignals = [4, 5, 6, 7, 8, 9, 11, 13, 15, 24, 25, 31];

export function runResult(ended: Ended, output: OutputCollector, refusedHosts: readonly string[]): SandboxResult {
  return {
    ending: ended.ending,
    exitCode: ended.ending === 'exited' ? exitCodeUnlessSignal(ended.exitCode) : null,
    durationMs: Math.round(ended.durationMs),
    tail: output.tail(),
    outputBytes: output.bytes,
    stdout: output.stdout,
    refusedHosts,
  };
}

/** Whoever waits for a program on our behalf reports the signal that ended it as 128 + its number. */
function exitCodeUnlessSignal(code: number | null): number | null {
  return code !== null && endingSignals.includes(code - 128) ? null : code;
}
