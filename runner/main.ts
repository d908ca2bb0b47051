import { constants } from 'node:os';
import { readStatusCall } from './cli/status-call.ts';
import { createTerminal, type Terminal } from './cli/terminal.ts';

/** A signal to the whole process group and one passed on by npm are one wish to stop. */
const sameSignalMs = 500;

const stop = new AbortController();
/** Set by a command that ends by being stopped. */
let urgent: AbortController | null = null;
const terminal = createTerminal(stop.signal, () => (urgent ??= new AbortController()).signal);

let stopped: { readonly code: number; at: number } | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopped && performance.now() - stopped.at < sameSignalMs) return;
    if (stopped && (urgent === null || urgent.signal.aborted)) process.exit(stopped.code);
    if (stopped) {
      stopped.at = performance.now();
      urgent?.abort();
      return;
    }
    stopped = { code: 128 + constants.signals[signal], at: performance.now() };
    terminal.err('\nStopping; what is done is kept. A second signal stops at once.');
    stop.abort();
  });
}

// Whoever reads may stop reading: `opus job log FR-001 | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

async function commandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const statusCall = readStatusCall(args);
    if (statusCall) {
      const { status } = await import('./cli/status.ts');
      return await status(terminal, statusCall);
    }
    const { runProgram } = await import('./cli/program.ts');
    return await runProgram(args, terminal);
  } catch (thrown) {
    const { printError } = await import('./cli/render-error.ts');
    return printError(thrown, terminal, args.includes('--json'));
  }
}

const code = await commandLine(process.argv.slice(2), terminal);
await new Promise((resolve) => process.stdout.write('', resolve));
// TypeScript does not see that a signal came meanwhile.
const signalled = stopped as { readonly code: number } | null;
const endsByItself = (urgent as AbortController | null) !== null;
process.exit(signalled === null || endsByItself ? code : signalled.code);
