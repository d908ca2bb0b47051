import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';

const bin = join(import.meta.dirname, '../../bin/opus.mjs');

describe('opus fr graph', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-graph-'));
    mkdirSync(join(folder, 'vault/10_features'), { recursive: true });
    writeFileSync(
      join(folder, 'opus.yml'),
      'vault: { path: ./vault }\nrepos:\n  app: { url: ./app.git, base: main, forge: local }\ndata: ./.opus\n',
    );
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function put(id: string, dependsOn: string, body = ''): void {
    const text = `---\nid: ${id}\ntitle: Of ${id}\nstatus: planned\ndepends_on: [${dependsOn}]\n---\n${body}\n`;
    writeFileSync(join(folder, 'vault/10_features', `${id}.md`), text);
  }

  /** A real process, as a person's shell would start it. */
  function graph(...options: string[]): { readonly code: number | null; readonly out: string; readonly err: string } {
    const ended = spawnSync(process.execPath, [bin, 'fr', 'graph', ...options], { cwd: folder, encoding: 'utf8' });
    return { code: ended.status, out: ended.stdout, err: ended.stderr };
  }

  function confirmPolicy(text: string): void {
    const registry = openRegistry({ file: join(folder, '.opus/registry.db'), clock: { now: () => 1 } });
    registry.trust([{ path: '00_system/opus/config.md', hash: 'x', text, at: 1 }]);
    registry.close();
  }

  test('is one JSON document, with what the text of a note says only where the policy has it count', () => {
    put('FR-1', '');
    put('FR-2', 'FR-1', 'After FR-3.');
    put('FR-3', '');
    const edges = [{ from: 'FR-2', to: 'FR-1', source: 'depends_on' }];
    const before = graph('--json');
    expect([before.code, before.err, JSON.parse(before.out)]).toMatchObject([0, '', { edges, cycles: [] }]);
    confirmPolicy('---\nbodyDependencies: true\n---\n');
    expect(JSON.parse(graph('--json').out)).toMatchObject({
      nodes: [{ id: 'FR-1', title: 'Of FR-1', status: 'planned', path: '10_features/FR-1.md' }, {}, {}],
      edges: [...edges, { from: 'FR-2', to: 'FR-3', source: 'body' }],
    });
  });

  test('is Mermaid alone, to be pasted or piped', () => {
    put('FR-1', '');
    const ended = graph('--mermaid');
    expect([ended.code, ended.err]).toEqual([0, '']);
    expect(ended.out).toMatch(/^graph LR\n {2}FR_1\["FR-1: Of FR-1"\]:::planned\n {2}classDef planned [^\n]*\n$/);
  });

  test('ends with 2 in every form where there is a circle', () => {
    put('FR-1', 'FR-2');
    put('FR-2', 'FR-1');
    expect([graph().code, graph('--json').code, graph('--mermaid').code]).toEqual([2, 2, 2]);
    expect(graph().out).toContain('circle FR-1 → FR-2 → FR-1\n');
  });

  test('takes one form at a time', () => {
    const ended = graph('--mermaid', '--json');
    expect([ended.code, JSON.parse(ended.out)]).toMatchObject([2, { error: { code: 'config.usage' } }]);
  });
});
