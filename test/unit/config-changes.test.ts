import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configChanges } from '../../runner/config/changes.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { RunnerConfig } from '../../runner/core/configuration.ts';

describe('what a new configuration changes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opus-changes-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const app = '{ url: ./app.git, cache: [node_modules] }';
  const vault = 'vault: { path: ./vault }';

  function load(...lines: string[]): RunnerConfig {
    const file = join(folder, 'opus.yml');
    const all = [vault, `repos: { app: ${app} }`, ...lines];
    const keys = new Map(all.map((line) => [line.split(':')[0], line]));
    writeFileSync(file, [...keys.values()].join('\n'));
    return loadConfig(file, { home: '/home/me', environment: { TOKEN: 'swordfish' } });
  }
  const keys = (before: RunnerConfig, after: RunnerConfig): Record<'changed' | 'needsRestart', readonly string[]> => {
    const { changed, needsRestart } = configChanges(before, after);
    return { changed, needsRestart };
  };

  it('is nothing where both say the same', () => {
    expect(keys(load(), load('concurrency: 3'))).toEqual({ changed: [], needsRestart: [] });
  });

  it.each([
    ['concurrency: 5', ['concurrency']],
    ['limits: { memory: 8G, autoMerge: true }', ['limits.autoMerge', 'limits.memory']],
    ['limits: { drivers: [claude] }', ['limits.drivers']],
    ['polling: { active: 5s }', ['polling.active']],
    ['log: { level: debug }', ['log.level']],
    ['notify: { me: { kind: ntfy, url: env:TOPIC } }', ['notify.me']],
    ['models: { anthropic: { key: env:KEY } }', ['models.anthropic']],
    [`repos: { app: ${app}, web: { url: ./web.git } }`, ['repos.web']],
    ['repos: { web: { url: ./web.git } }', ['repos', 'repos.app', 'repos.web']],
    ['repos: { app: { url: ./app.git, cache: [node_modules], env: { CI: "1" } } }', ['repos.app.env.CI']],
    ['repos: { app: { url: ./app.git, cache: [dist] } }', ['repos.app.cache']],
  ])('names what takes effect at once: %s', (line, changed) => {
    const before = load();
    const after = load(line);
    expect(keys(before, after)).toEqual({ changed, needsRestart: [] });
    expect(configChanges(before, after).config).toEqual(after);
  });

  it.each([
    ['data: ./elsewhere', 'data'],
    ['engine: { kind: postgres, url: env:DATABASE_URL }', 'engine'],
    ['sandbox: off', 'sandbox'],
    ['trust: auto', 'trust'],
    ['vault: { path: ./elsewhere/vault }', 'vault.path'],
    ['vault: { path: ./vault, name: Notes }', 'vault.name'],
    ['vault: { path: ./vault, git: { remote: ./notes.git } }', 'vault.git'],
    ['server: { publicUrl: "https://opus.example.org" }', 'server.publicUrl'],
    ['polling: { debounce: 1s }', 'polling.debounce'],
    ['backup: { keep: 3 }', 'backup.keep'],
    ['log: { size: 1M }', 'log.size'],
    ['server: { host: localhost }', 'server.host'],
    ['server: { port: 7718 }', 'server.port'],
    ['server: { tls: { certificate: ./c.pem, key: ./k.pem } }', 'server.tls'],
  ])('keeps the old value of what only a start takes in: %s', (line, key) => {
    const before = load();
    const after = load(line, 'rounds: 5');
    expect(keys(before, after)).toEqual({ changed: ['rounds'], needsRestart: [key] });
    expect(configChanges(before, after).config).toEqual({ ...before, rounds: 5 });
  });

  it('names only the part of the certificate that differs', () => {
    const before = load('server: { tls: { certificate: ./c.pem, key: ./k.pem } }');
    const after = load('server: { tls: { certificate: ./d.pem, key: ./k.pem } }');
    expect(keys(before, after)).toEqual({ changed: [], needsRestart: ['server.tls.certificate'] });
  });

  it('names keys and never what they hold', () => {
    const before = load('repos: { app: { url: ./app.git, env: { PASS: env:TOKEN } } }');
    const after = load();
    expect(before.repos['app']?.env).toEqual({ PASS: 'swordfish' });
    expect(JSON.stringify(keys(before, after))).not.toContain('swordfish');
    expect(keys(before, after).changed).toContain('repos.app.env.PASS');
  });

  it('names a repository’s credentials by the section that holds them', () => {
    const web = (token: string): string =>
      `repos: { web: { url: "https://example.org/web.git", forge: github, github: { repo: me/web, token: env:${token} } } }`;
    expect(keys(load(web('A')), load(web('B'))).changed).toEqual(['repos.web.github']);
  });
});
