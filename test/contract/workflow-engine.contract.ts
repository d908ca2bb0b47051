import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkflowContext, WorkflowEngine } from '../../runner/core/ports/workflow-engine.ts';

export interface EngineHarness {
  /** Opens the engine on this test's database; the one opened before it must have been stopped. */
  open(): WorkflowEngine;
  /** Takes away everything that the engine keeps. */
  loseDatabase(): void;
  failures(): readonly string[];
  dispose(): Promise<void>;
}

/** A promise that the test settles. */
function latch(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return {
    opened: promise,
    open: () => {
      resolve(undefined);
    },
  };
}

const longTime = 6 * 3_600_000;

export function workflowEngineContract(name: string, harness: () => EngineHarness): void {
  describe(`${name}, as a workflow engine`, () => {
    let subject: EngineHarness;
    let ran: string[];
    beforeEach(() => {
      subject = harness();
      ran = [];
    });
    afterEach(async () => {
      await subject.dispose();
    });

    it('runs the steps in order and hands their results on', async () => {
      const engine = subject.open();
      engine.register(async (context, jobId) => {
        const plan = await context.step('plan', () => Promise.resolve({ steps: 2 }));
        await context.step('code', () => Promise.resolve(ran.push(`${jobId} code after ${plan.steps}`)));
      });
      await engine.start('FR-1-1', 1);
      await engine.idle();
      expect(ran).toEqual(['FR-1-1 code after 2']);
    });

    it('forgets runs that ended long ago, and no others', async () => {
      const engine = subject.open();
      engine.register(async (context, jobId) => {
        await context.step('code', () => Promise.resolve(ran.push(jobId)));
        if (jobId === 'FR-2-1') await context.wait('gate', 'job:FR-2-1', longTime);
      });
      await engine.start('FR-1-1', 1);
      await engine.start('FR-2-1', 1);
      await engine.idle();
      engine.prune(Date.now() - 60_000);
      await engine.start('FR-1-1', 1);
      await engine.idle();
      expect(ran).toEqual(['FR-1-1', 'FR-2-1']);
      engine.prune(Date.now() + 60_000);
      for (const job of ['FR-1-1', 'FR-2-1']) await engine.start(job, 1);
      await engine.idle();
      expect(ran).toEqual(['FR-1-1', 'FR-2-1', 'FR-1-1']);
    });

    it('lets every wait return when it is asked to, as after a change of the clock', async () => {
      const engine = subject.open();
      engine.register(async (context, jobId) => {
        await context.wait('long', `job:${jobId}`, longTime);
        await context.step('after', () => Promise.resolve(ran.push(jobId)));
      });
      await engine.start('FR-1-1', 1);
      await engine.start('FR-2-1', 1);
      await engine.idle();
      expect(ran).toEqual([]);
      await engine.wakeAll();
      await engine.idle();
      expect(ran.sort()).toEqual(['FR-1-1', 'FR-2-1']);
    });

    it('starts a run once, however often it is asked to', async () => {
      const engine = subject.open();
      engine.register(async (context, jobId) => {
        await context.step('code', () => Promise.resolve(ran.push(jobId)));
      });
      await Promise.all([engine.start('FR-1-1', 1), engine.start('FR-1-1', 1), engine.start('FR-1-1', 1)]);
      await engine.idle();
      await engine.start('FR-1-1', 1);
      await engine.idle();
      expect(ran).toEqual(['FR-1-1']);
      await engine.start('FR-1-1', 2);
      await engine.idle();
      expect(ran).toEqual(['FR-1-1', 'FR-1-1']);
    });

    it('runs several jobs side by side', async () => {
      const engine = subject.open();
      const gates = new Map(['FR-1-1', 'FR-2-1', 'FR-3-1'].map((jobId) => [jobId, latch()]));
      const allRun = latch();
      engine.register(async (context, jobId) => {
        await context.step('code', async () => {
          if (ran.push(jobId) === 3) allRun.open();
          await gates.get(jobId)?.opened;
        });
      });
      for (const jobId of gates.keys()) await engine.start(jobId, 1);
      await allRun.opened;
      for (const gate of gates.values()) gate.open();
      await engine.idle();
      expect(ran).toHaveLength(3);
    });

    it('goes on from a wait when its topic is signalled', async () => {
      const engine = subject.open();
      engine.register(async (context, jobId) => {
        await context.wait('approval 0', `approval:${jobId}`, longTime);
        await context.step('merge', () => Promise.resolve(ran.push(jobId)));
      });
      await engine.start('FR-1-1', 1);
      await engine.start('FR-2-1', 1);
      await engine.idle();
      expect(ran).toEqual([]);
      await engine.signal('approval:FR-2-1');
      await engine.idle();
      expect(ran).toEqual(['FR-2-1']);
    });

    it('goes on from a wait when its time has run out', async () => {
      const engine = subject.open();
      const done = latch();
      engine.register(async (context) => {
        await context.wait('slot 0', 'slot', 30);
        await context.step('code', () => {
          done.open();
          return Promise.resolve(null);
        });
      });
      await engine.start('FR-1-1', 1);
      await done.opened;
    });

    it('does not lose a signal that comes between the look and the wait', async () => {
      const engine = subject.open();
      let approved = false;
      const looked = latch();
      const decided = latch();
      engine.register(async (context) => {
        for (let look = 0; ; look += 1) {
          const seen = await context.step(`approved ${look}`, async () => {
            const result = approved;
            looked.open();
            await decided.opened;
            return result;
          });
          if (seen) break;
          await context.wait(`approval ${look}`, 'approval', longTime);
        }
        await context.step('merge', () => Promise.resolve(ran.push('merge')));
      });
      await engine.start('FR-1-1', 1);
      await looked.opened;
      approved = true;
      await engine.signal('approval');
      decided.open();
      await engine.idle();
      expect(ran).toEqual(['merge']);
    });

    it('never runs a finished step again after it was stopped and opened anew', async () => {
      const workflow = async (context: WorkflowContext): Promise<void> => {
        const plan = await context.step('plan', () => Promise.resolve(ran.push('plan')));
        await context.wait('approval', 'approval', longTime);
        await context.step('merge', () => Promise.resolve(ran.push(`merge after ${plan}`)));
      };
      const first = subject.open();
      first.register(workflow);
      await first.start('FR-1-1', 1);
      await first.idle();
      await first.stop();
      const second = subject.open();
      second.register(workflow);
      await second.signal('approval');
      await second.idle();
      expect(ran).toEqual(['plan', 'merge after 1']);
    });

    it('lets every wait return once after a start, for what was signalled meanwhile', async () => {
      const workflow = async (context: WorkflowContext): Promise<void> => {
        await context.wait('approval', 'approval', longTime);
        await context.step('look', () => Promise.resolve(ran.push('looked')));
      };
      const first = subject.open();
      first.register(workflow);
      await first.start('FR-1-1', 1);
      await first.stop();
      const second = subject.open();
      second.register(workflow);
      await second.idle();
      expect(ran).toEqual(['looked']);
    });

    it('starts over when its database was lost', async () => {
      const workflow = async (context: WorkflowContext): Promise<void> => {
        await context.step('plan', () => Promise.resolve(ran.push('plan')));
        await context.wait('approval', 'approval', longTime);
      };
      const first = subject.open();
      first.register(workflow);
      await first.start('FR-1-1', 1);
      await first.idle();
      await first.stop();
      subject.loseDatabase();
      const second = subject.open();
      second.register(workflow);
      await second.start('FR-1-1', 1);
      await second.idle();
      expect(ran).toEqual(['plan', 'plan']);
    });

    it.each([
      ['in a step', true],
      ['between steps', false],
    ])('ends a run whose workflow throws %s, says so, and does not try it again', async (_where, inStep) => {
      const workflow = async (context: WorkflowContext): Promise<void> => {
        await context.step('plan', () => Promise.resolve(ran.push('plan')));
        if (!inStep) {
          ran.push('threw');
          throw new Error('a defect');
        }
        await context.step('code', () => {
          ran.push('threw');
          return Promise.reject(new Error('a defect'));
        });
      };
      const engine = subject.open();
      engine.register(workflow);
      await engine.start('FR-1-1', 1);
      await engine.idle();
      await engine.stop();
      const reopened = subject.open();
      reopened.register(workflow);
      await reopened.start('FR-1-1', 1);
      await reopened.idle();
      expect(ran).toEqual(['plan', 'threw']);
      expect(subject.failures()).toEqual(['FR-1-1: Something unexpected happened: a defect']);
    });

    it('ends a run whose step returns what is no JSON', async () => {
      const engine = subject.open();
      engine.register(async (context) => {
        await context.step('count', () => {
          ran.push('counted');
          return Promise.resolve(10n);
        });
      });
      await engine.start('FR-1-1', 1);
      await engine.idle();
      expect(ran).toEqual(['counted']);
      expect(subject.failures()).toEqual([expect.stringContaining('BigInt')]);
    });

    it('begins no further step once it stops, and goes on there at the next start', async () => {
      const begun = latch();
      const aborted = latch();
      const workflow = async (context: WorkflowContext): Promise<void> => {
        await context.step('code', async () => {
          ran.push('code');
          begun.open();
          await aborted.opened;
        });
        await context.step('test', () => Promise.resolve(ran.push('test')));
      };
      const first = subject.open();
      first.register(workflow);
      await first.start('FR-1-1', 1);
      await begun.opened;
      const stopped = first.stop();
      aborted.open();
      await stopped;
      expect(ran).toEqual(['code']);
      const second = subject.open();
      second.register(workflow);
      await second.idle();
      expect(ran).toEqual(['code', 'test']);
    });

    it('does not wait for a step that never ends when it stops', async () => {
      const begun = latch();
      const first = subject.open();
      first.register(async (context) => {
        await context.step('code', async () => {
          begun.open();
          await latch().opened;
        });
      });
      await first.start('FR-1-1', 1);
      await begun.opened;
      await first.stop();
      const second = subject.open();
      second.register(async (context) => {
        await context.step('code', () => Promise.resolve(ran.push('code again')));
      });
      await second.idle();
      expect(ran).toEqual(['code again']);
      expect(subject.failures()).toEqual([]);
    });
  });
}
