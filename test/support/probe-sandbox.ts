import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';

/** Tries the sandbox from a process of its own, and prints what it found as JSON. */
process.stdout.write(JSON.stringify(await createBubblewrapSandbox({ home: '/nonexistent' }).probe()));
