import { describe, expect, it } from 'vitest';
import { admit, settle } from '../../runner/adapters/circuits/circuit.ts';
import { readSavedCircuits } from '../../runner/adapters/circuits/saved-circuits.ts';

describe('what was kept of circuits', () => {
  const sound = { kind: 'agent', name: 'coder', failures: 3, until: 1_800_000_000_000 };

  it('is taken where it is sound', () => {
    expect(readSavedCircuits([sound, { ...sound, kind: 'forge', until: null }])).toHaveLength(2);
  });

  it.each([
    ['nothing', undefined],
    ['no list', { coder: 3 }],
    ['an unknown kind', [{ ...sound, kind: 'model' }]],
    ['half an entry', [{ kind: 'agent', name: 'coder' }]],
    ['a nonsensical count', [{ ...sound, failures: -1 }]],
    ['a nonsensical time', [{ ...sound, until: 'soon' }]],
  ])('counts as none where it is %s', (_what, value) => {
    expect(readSavedCircuits(value)).toEqual([]);
  });
});

it('a circuit that is open without a failure closes all the same when its trial succeeds', () => {
  const circuit = { failures: 0, openedAt: 0, trial: false, turn: 0 };
  const admission = admit(circuit, 10, 10);
  expect(admission).toEqual({ turn: 0, trial: true });
  if (admission) settle(circuit, admission, 'success', 10, 3);
  expect(circuit.openedAt).toBeNull();
});
