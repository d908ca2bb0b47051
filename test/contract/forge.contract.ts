import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forge, OpenPullRequest } from '../../runner/core/ports/forge.ts';
import type { RepositoryAddress } from '../../runner/core/ports/worktrees.ts';
import { refusal } from '../support/git-lab.ts';

/** One forge with one repository, in which `head` branches exist at commits. */
export interface ForgeUnderTest {
  readonly repository: RepositoryAddress;
  /** Another client of the same forge: what a restart, or a second runner, has. */
  connect(): Forge;
  /** Makes, or moves, a branch; returns its commit. */
  branch(name: string): Promise<string> | string;
  /** Brings a commit into the base, where the forge wants to see it there before it says that it is merged. */
  merge?(commit: string): Promise<void> | void;
  dispose(): Promise<void> | void;
}

export function forgeContract(name: string, start: () => Promise<ForgeUnderTest> | ForgeUnderTest): void {
  describe(`${name} as a forge`, () => {
    let under: ForgeUnderTest;
    let forge: Forge;
    let request: OpenPullRequest;

    beforeEach(async () => {
      under = await start();
      forge = under.connect();
      request = await requestOf('FR-1-1');
    });
    afterEach(() => under.dispose());

    async function requestOf(job: string): Promise<OpenPullRequest> {
      const head = `opus/${job}-x`;
      const commit = await under.branch(head);
      return {
        repository: under.repository,
        job,
        head,
        base: 'main',
        commit,
        title: `${job}: x`,
        body: 'Über „x“\n\n- y\n',
      };
    }

    it('has none before it is opened', async () => {
      expect(await forge.find(under.repository, request.head)).toBeNull();
    });

    it('opens one, found again by its branch by anyone', async () => {
      const opened = await forge.open(request);
      expect(opened).toMatchObject({
        state: 'open',
        head: request.head,
        base: 'main',
        commit: request.commit,
        mergeCommit: null,
      });
      expect(await under.connect().find(under.repository, request.head)).toEqual(opened);
    });

    it('opens exactly one however often it is repeated', async () => {
      const opened = await forge.open(request);
      expect(await forge.open(request)).toEqual(opened);
      const changed = await under.connect().open({ ...request, title: 'Another title' });
      expect(changed.number).toBe(opened.number);
    });

    it('opens exactly one for many at the same time', async () => {
      const all = await Promise.all(Array.from({ length: 6 }, () => under.connect().open(request)));
      expect(new Set(all.map((opened) => opened.number)).size).toBe(1);
    });

    it('loses none of several opened at the same time', async () => {
      const requests = [await requestOf('FR-2-1'), await requestOf('FR-2-2'), await requestOf('FR-2-3')];
      const opened = await Promise.all(requests.map((one) => under.connect().open(one)));
      expect(new Set(opened.map((one) => one.number)).size).toBe(3);
      for (const one of requests) expect((await forge.find(under.repository, one.head))?.head).toBe(one.head);
    });

    it('counts up', async () => {
      const first = await forge.open(request);
      await forge.close(under.repository, first.number);
      expect((await forge.open(await requestOf('FR-1-2'))).number).toBeGreaterThan(first.number);
    });

    it('follows its branch', async () => {
      await forge.open(request);
      const moved = await under.branch(request.head);
      expect(moved).not.toBe(request.commit);
      expect((await forge.find(under.repository, request.head))?.commit).toBe(moved);
    });

    it('is merged once, and stays so', async () => {
      const { number } = await forge.open(request);
      await under.merge?.(request.commit);
      const merged = await forge.markMerged(under.repository, number, request.commit);
      expect(merged).toMatchObject({ number, state: 'merged', mergeCommit: request.commit });
      expect(await forge.markMerged(under.repository, number, request.commit)).toEqual(merged);
      expect(await forge.close(under.repository, number)).toEqual(merged);
      expect(await forge.open({ ...request, title: 'Again' })).toEqual(merged);
    });

    it('is closed once, and is not opened again', async () => {
      const { number } = await forge.open(request);
      const closed = await forge.close(under.repository, number);
      expect(closed.state).toBe('closed');
      expect(await forge.close(under.repository, number)).toEqual(closed);
      expect((await refusal(forge.open(request))).code).toBe('forge.pull-request-closed');
      expect((await refusal(forge.markMerged(under.repository, number, request.commit))).code).toBe(
        'forge.pull-request-closed',
      );
    });
  });
}
