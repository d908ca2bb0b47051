import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format } from '../src/index.js';

const spans = { 0: '0ms', 250: '250ms', 90_000: '1m 30s', 5_400_000: '1h 30m', 90_061_001: '1d 1h 1m 1s 1ms' };

for (const [ms, text] of Object.entries(spans)) {
  test(`writes ${ms} as ${text}`, () => assert.equal(format(Number(ms)), text));
}

for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`refuses ${ms}`, () => assert.throws(() => format(ms), TypeError));
}
