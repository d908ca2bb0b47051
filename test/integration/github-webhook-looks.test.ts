import { expect, it, onTestFinished, vi } from 'vitest';
import { createWebhookReader } from '../../runner/adapters/forge-github/webhook-reader.ts';
import { createArrivals } from '../../runner/engine/arrivals.ts';
import { createFollowing } from '../../runner/engine/pull-requests/following.ts';
import { collectLog } from '../support/server-stand-in.ts';
import { startServer } from '../support/server-lab.ts';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

const patience = { timeout: 20_000, interval: 10 } as const;

interface Told {
  readonly kind: string;
  readonly key: string;
}

/** Commits and ids differ from one GitHub to the next: each is called by its place. */
function toldOf(lab: MergeLab): Told[] {
  const places = new Map<string, string>();
  const placed = (id: string): string => {
    places.set(id, places.get(id) ?? `#${places.size}`);
    return places.get(id) ?? '';
  };
  return lab.dependencies.registry.happenings(lab.job('FR-1').id).map(({ key, happening }) => ({
    kind: happening.kind,
    key: key.replace(/[0-9a-f]{40}/g, placed).replace(/^remarks:.*/, (ids) => `remarks:${placed(ids)}`),
  }));
}

/** A check that fails twice, and a review that asks for changes; `seen` is how the runner comes to know of each. */
async function lifeOf(lab: MergeLab, seen: (happenings: number) => Promise<void>): Promise<Told[]> {
  const ci = lab.github.ci(lab.repository);
  const first = lab.job('FR-1').headCommit ?? '';
  ci.report(first, { name: 'build', workflow: 'ci', conclusion: 'failure', log: 'no luck\n' });
  await seen(1);
  const again = lab.repository.checkRuns.findLast(({ commit }) => commit === first);
  if (again === undefined) throw new Error('It was not run again.');
  ci.finish(again, { conclusion: 'failure', log: 'again\n' });
  await seen(2);
  lab.github.as('alice').review(lab.pull('FR-1'), { state: 'CHANGES_REQUESTED', body: 'Say it twice.' });
  await seen(3);
  expect(lab.job('FR-1')).toMatchObject({ waitingFor: 'approval', error: null });
  return toldOf(lab);
}

async function labAtGate(): Promise<MergeLab> {
  const lab = await makeMergeLab();
  lab.note('FR-1');
  await lab.dispatch('FR-1');
  return lab;
}

async function byPolling(): Promise<Told[]> {
  const lab = await labAtGate();
  return await lifeOf(lab, async () => {
    await lab.look('FR-1');
  });
}

async function byWebhooks(): Promise<Told[]> {
  const lab = await labAtGate();
  const { registry, clock } = lab.dependencies;
  const following = createFollowing(lab.follower, collectLog());
  const credentials = { kind: 'token', token: { kind: 'env', name: 'T' } } as const;
  const arrivals = createArrivals({
    reader: createWebhookReader({
      repositories: () => ({
        app: { repo: 'acme/app', api: lab.github.apiUrl, credentials, webhook: { kind: 'env', name: 'W' } },
      }),
      resolveSecret: () => lab.github.webhooks.secret,
    }),
    ...{ registry, clock, log: collectLog(), gatherMs: 20 },
    news: (repository) => {
      following.news(repository);
    },
  });
  const server = await startServer({ webhooks: arrivals });
  const sent: Promise<number>[] = [];
  lab.github.onWebhook(({ event, deliveryId, body, signature }) => {
    const headers = {
      ...{ 'content-type': 'application/json', 'x-github-event': event },
      ...{ 'x-github-delivery': deliveryId, 'x-hub-signature-256': signature },
    };
    sent.push(server.ask('/webhooks/github', { method: 'POST', headers, body }).then(({ status }) => status));
  });
  const over = async (): Promise<void> => {
    arrivals.stop();
    await following.stop();
  };
  onTestFinished(over);
  const told = await lifeOf(lab, async (happenings) => {
    await vi.waitFor(() => {
      expect(toldOf(lab)).toHaveLength(happenings);
    }, patience);
    await lab.application.work(lab.job('FR-1').id, { approve: null, signal: new AbortController().signal });
  });
  expect(new Set(await Promise.all(sent))).toEqual(new Set([202]));
  expect(arrivals.counts().news).toBeGreaterThan(0);
  await over();
  return told;
}

it('webhooks lead to what polling leads to', async () => {
  const polled = await byPolling();
  expect(polled.map(({ kind }) => kind)).toEqual(['checks-rerun', 'checks-failed', 'remarks']);
  expect(await byWebhooks()).toEqual(polled);
});
