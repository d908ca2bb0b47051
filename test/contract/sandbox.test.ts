import { createBubblewrapSandbox } from '../../runner/adapters/sandbox/bubblewrap.ts';
import { createUnconfinedSandbox } from '../../runner/adapters/sandbox/unconfined.ts';
import { contractLogBytes, describeSandbox } from './sandbox.contract.ts';

const options = { watchMs: 50, logBytes: contractLogBytes };

describeSandbox('the bubblewrap sandbox', () => createBubblewrapSandbox(options));
describeSandbox('the unconfined sandbox', () => createUnconfinedSandbox({ ...options, reason: 'off', hint: 'none' }));
