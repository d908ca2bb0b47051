import { readFileSync } from 'node:fs';

// Loaded before the program: its wall clock is off by the milliseconds in the file that OPUS_TEST_CLOCK names.

const file = process.env['OPUS_TEST_CLOCK'] ?? '';
const RealDate = Date;
const realNow = RealDate.now.bind(RealDate);

function now(): number {
  return realNow() + Number(readFileSync(file, 'utf8'));
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, parameters: unknown[], newTarget) =>
    Reflect.construct(target, parameters.length === 0 ? [now()] : parameters, newTarget) as Date,
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
