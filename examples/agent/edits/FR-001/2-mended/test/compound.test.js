import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, parse } from '../src/index.js';

const spans = { '1h 30m': 5_400_000, '1m 30s': 90_000, '1d 2h 3m 4s 5ms': 93_784_005, '1.5h 30m': 7_200_000 };

for (const [text, ms] of Object.entries(spans)) {
  test(`reads ${JSON.stringify(text)}`, () => assert.equal(parse(text), ms));
}

test('reads back what format writes', () => {
  for (const ms of [1, 61_000, 5_400_000, 90_061_001]) assert.equal(parse(format(ms)), ms);
});

for (const text of ['1h oops 30m', '1h, 30m', '1h 30', 'about 2m', '1h30parsecs']) {
  test(`refuses ${JSON.stringify(text)} as a whole`, () => assert.throws(() => parse(text), TypeError));
}
