import { expect, it } from 'vitest';
import { makeMergeLab, type MergeLab } from '../support/merge-lab.ts';

const hour = 3_600_000;
const tenMinutes = hour / 6;
/** `OPUS_FORGE_CALLS=1 npm test -- test/integration/github-calls.test.ts` counts whole hours. */
const isCounted = process.env['OPUS_FORGE_CALLS'] !== undefined;

/** One real job, and others that stand at their merge gates as it does, each with a pull request of its own. */
async function withOpen(count: number): Promise<MergeLab> {
  const lab = await makeMergeLab();
  const { github, repository } = lab;
  lab.note('FR-1');
  const job = await lab.dispatch('FR-1');
  for (let number = 2; number <= count; number++) {
    const branch = `opus/FR-${number}-1`;
    const commit = github.as('opus').push(repository, { branch, files: { [`${number}.txt`]: 'more\n' } });
    const pull = github.as('opus').open(repository, { title: branch, head: branch, base: 'main' });
    const other = { id: `FR-${number}-1`, featureRequestId: `FR-${number}`, branch, headCommit: commit };
    const gate = { kind: 'merge', hash: commit } as const;
    const pullRequest = { number: pull.number, url: `${github.origin}/${number}`, state: 'open' } as const;
    lab.dependencies.registry.commit(null, null, { insertJob: { ...job, ...other, gate, pullRequest } });
  }
  return lab;
}

/** Calls of the forge in so long a time of looks, with what happens before each of them. */
async function callsIn(lab: MergeLab, time: number, happens: (look: number) => void): Promise<number> {
  const since = lab.github.seen.length;
  let look = 0;
  for (let passed = 0; passed < time; look++) {
    happens(look);
    await lab.follower.look();
    const pause = lab.follower.pauseMs();
    lab.pass(pause);
    passed += pause;
  }
  return lab.github.seen.slice(since).filter(({ operation }) => operation !== 'git' && operation !== 'log').length;
}

/** Somebody always says something, and checks begin, end well and fail. */
function busyWith({ github, repository }: MergeLab): (look: number) => void {
  const pulls = github.state.pulls(repository);
  const ci = github.ci(repository);
  return (look) => {
    const pull = pulls[look % pulls.length];
    if (pull === undefined) return;
    github.as(look % 2 === 0 ? 'carol' : 'alice').comment(pull, `Remark ${look}`);
    const conclusion = look % 40 === 7 ? 'failure' : 'success';
    if (look % 4 === 3) ci.report(pull.headCommit, { name: `check ${look}`, workflow: 'ci', conclusion });
    if (look % 30 === 5) github.as('alice').review(pull, { state: 'COMMENTED', body: 'A question.' });
  };
}

it('looks at ten open pull requests take at most 120 calls an hour, however much happens', async () => {
  const lab = await withOpen(10);
  expect(await callsIn(lab, tenMinutes, busyWith(lab))).toBeLessThanOrEqual(120 / 6);
});

it.runIf(isCounted)(
  'whole hours at 1, 10 and 50 open pull requests, with nothing happening and with much',
  async () => {
    for (const open of [1, 10, 50]) {
      const lab = await withOpen(open);
      const idle = await callsIn(lab, hour, () => undefined);
      const busy = await callsIn(lab, hour, busyWith(lab));
      console.log(`${open} open: ${idle} calls in an idle hour, ${busy} in a busy one`);
      if (open <= 10) expect(Math.max(idle, busy)).toBeLessThanOrEqual(120);
    }
  },
  900_000,
);
