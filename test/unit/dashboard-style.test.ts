import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const style = (file: string): string => readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8');

it('the dashboard has a value for every variable of Obsidian that the views are styled by', () => {
  const both = style('runner/dashboard/style.css') + style('styles.css');
  const defined = new Set([...both.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
  const used = [...both.matchAll(/var\((--[\w-]+)\)/g)].map(([, name]) => name);
  expect(used.length).toBeGreaterThan(100);
  expect([...new Set(used)].filter((name) => !defined.has(name))).toEqual([]);
});
