import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format } from '../src/index.js';

const cases = [
  [5_400_000, 1, '2h'],
  [5_400_000, 2, '1h 30m'],
  [3_599_000, 1, '1h'],
  [90_061_001, 2, '1d 1h'],
  [90_061_001, 5, '1d 1h 1m 1s 1ms'],
  [400, 1, '400ms'],
  [0, 1, '0ms'],
];

for (const [ms, parts, text] of cases) {
  test(`writes ${ms} in ${parts} part(s) as ${text}`, () => assert.equal(format(ms, { parts }), text));
}

for (const parts of [0, -1, 1.5, '2']) {
  test(`refuses ${JSON.stringify(parts)} parts`, () => assert.throws(() => format(1, { parts }), RangeError));
}
