import { describe, expect, it } from 'vitest';
import { isSameShape, secretsIn } from '../../runner/core/credential-texts.ts';

const token = 'abcdefghij-0123456789';

describe('what of a credential file is shown nowhere', () => {
  it('is every long text of JSON, however deep, line by line, and as JSON writes it', () => {
    const key = `-----BEGIN KEY-----\n${token}\n"${token}"`;
    const secrets = secretsIn(JSON.stringify({ a: [{ b: token }], short: 'short', count: 123456789012345, key }));
    expect(secrets).toContain(token);
    expect(secrets).toContain(`"${token}"`);
    expect(secrets).toContain(`\\"${token}\\"`);
    expect(secrets).not.toContain('short');
    expect(secrets.map(({ length }) => length)).toEqual([...secrets.map(({ length }) => length)].sort((a, b) => b - a));
  });

  it('is every long line and word of any other text', () => {
    expect(secretsIn(`machine x\n  password: ${token}\n`)).toEqual([`password: ${token}`, token]);
    expect(secretsIn(token)).toEqual([token]);
    expect(secretsIn('')).toEqual([]);
  });
});

describe('a renewed credential file', () => {
  it.each([
    ['{"a":"x","n":{"e":1,"z":null}}', '{"n":{"z":null,"e":2},"a":"yy"}', true],
    ['{"a":"x"}', '{"a":"x","helper":"rm"}', false],
    ['{"a":"x"}', '{"b":"x"}', false],
    ['{"a":"x"}', '{"a":1}', false],
    ['{"a":"x"}', '{"a":null}', false],
    ['{"a":null}', '{"a":{}}', false],
    ['{"a":["x"]}', '{"a":{"0":"x"}}', false],
    ['{"a":["x"]}', '{"a":["x","y"]}', false],
    ['{"a":"x"}', '{"__proto__":"x"}', false],
    ['{"a":"x"}', 'x', false],
    ['plain', 'plain', false],
  ])('%s → %s is the same with new values: %s', (before, after, same) => {
    expect(isSameShape(before, after)).toBe(same);
  });
});
