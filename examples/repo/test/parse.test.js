import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '../src/index.js';

const spans = { '250ms': 250, '90s': 90_000, '2m': 120_000, '1.5h': 5_400_000, '1d': 86_400_000, ' 10 s ': 10_000 };

for (const [text, ms] of Object.entries(spans)) {
  test(`reads ${JSON.stringify(text)}`, () => assert.equal(parse(text), ms));
}

for (const text of ['', 'soon', '10', '5 parsecs', 's']) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parse(text), TypeError));
}

test('quotes what it refuses', () => {
  assert.throws(() => parse('soon'), { message: 'Not a span of time: "soon"' });
});
