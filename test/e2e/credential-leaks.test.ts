import { expect, it, vi } from 'vitest';
import { startLeakLab } from '../support/leak-lab.ts';
import { placesOf, type Finding } from '../support/leak-search.ts';
import { patience } from '../support/service-process.ts';

it('a key that the gateway knows is nowhere else, while agents run and after', { timeout: 60_000 }, async () => {
  const { lab, models, secrets, control, ...leaks } = await startLeakLab();
  const whereSecretsAre = (findings: readonly Finding[]): string[] =>
    secrets.flatMap((secret) => placesOf(secret, findings));
  // It was given to the service there.
  const expected = [expect.stringMatching(/^environment of the service /)];

  lab.addNote('FR-1');
  const loot = await vi.waitFor(() => {
    const left = leaks.loot();
    if (left === null) throw new Error(`The agent has not ended its search. ${lab.note('FR-1')}`);
    return left;
  }, patience);
  const keys = models.requests.map(({ headers }) => headers['x-api-key'] ?? headers.authorization);
  expect([...new Set(keys)]).toEqual([`Bearer ${secrets[1]}`, secrets[0]]);
  expect(new Set(models.requests.map(({ method, url }) => `${method} ${url}`))).toEqual(
    new Set(['POST /v1/chat/completions', 'POST /v1/messages']),
  );

  const reachable = leaks.reachable();
  expect(whereSecretsAre(reachable)).toEqual([]);
  expect(placesOf(control, reachable).sort()).toEqual(['loot-files', 'loot-processes']);
  expect(loot).toMatchObject({ tooLarge: [] });
  expect(loot.paths).toContain(lab.vault.replace(/vault$/, 'agents/places.json'));
  expect(loot.processes).toBeLessThan(10);
  expect(Object.values(loot.opened)).not.toContainEqual(expect.stringMatching(/bytes$/));
  expect(Object.values(loot.listed).filter((names) => /opus-gateway-|registry|\.yml|vault/.test(names))).toEqual([]);
  expect(loot.answers.map(({ method, status }) => `${method} ${status}`)).toEqual([
    ...['GET 404', 'GET 200', 'GET 404', 'GET 404', 'GET 404', 'GET 404', 'GET 404', 'CONNECT ECONNRESET'],
    ...['TRACE 404', 'OPTIONS 404', 'POST 400', 'POST 417', 'POST 400', 'POST 502', 'POST 500', 'POST 200'],
  ]);

  const during = await leaks.outside(['job', 'log', 'FR-1'], ['status', '--json']);
  expect(whereSecretsAre(during)).toEqual(expected);
  expect(placesOf(control, during)).toEqual(
    expect.arrayContaining([
      'opus job log FR-1',
      expect.stringMatching(/^environment of child .*claude/),
      expect.stringMatching(/^data\/logs\/.*\.log$/),
    ]),
  );

  lab.letGo('code');
  lab.addNote('FR-2');
  await vi.waitFor(() => {
    expect(lab.note('FR-1')).toMatch(/^status: done$/m);
    expect(lab.note('FR-2')).toMatch(/^run_note: .*at its limit.*no tokens left for \*+ today/m);
    expect(leaks.notified()).toBeGreaterThan(0);
  }, patience);
  const after = await leaks.outside(
    ['job', 'show', 'FR-1', '--json'],
    ['job', 'log', 'FR-2', '--json'],
    ['backup', 'create'],
  );
  expect(whereSecretsAre(after)).toEqual(expected);
  expect(placesOf(control, after)).toEqual(
    expect.arrayContaining([
      'objects of origin.git',
      expect.stringMatching(/^data\/registry\.db/),
      expect.stringMatching(/^data\/backups\/.*db/),
    ]),
  );
  const seen = new Map(after.map(({ place, bytes }) => [place, String(bytes)]));
  for (const place of ['metrics', 'notifications', 'git-calls', 'vault/20_runs/FR-1-1.md', 'vault/20_runs/FR-2-1.md']) {
    expect(seen.get(place), place).toMatch(/\w{3}/);
  }
});
