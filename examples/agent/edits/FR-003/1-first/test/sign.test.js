import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from '../src/index.js';

const spans = { '-15m': -900_000, '- 1h 30m': -5_400_000, '-0s': 0 };

for (const [text, ms] of Object.entries(spans)) {
  test(`reads ${JSON.stringify(text)}`, () => assert.equal(parse(text), ms));
}

for (const text of ['--1h', '1h -30m', '-']) {
  test(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parse(text), TypeError));
}
