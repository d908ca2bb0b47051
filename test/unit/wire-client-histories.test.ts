import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobStatuses } from '../../shared/domain/job-status.ts';
import { boardJob, wireLab } from '../support/wire-lab.ts';

const seconds = 1_000;

/** What may go wrong on the way, in any order. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('happen'), job: fc.nat(7), status: fc.nat(6) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), ms: fc.nat(4 * seconds) }) },
  ...[
    'twice',
    'swallow',
    'heard',
    'cut',
    'stall',
    'alive',
    'forget',
    'restore',
    'slow',
    'late',
    'quick',
    'garbage',
    'wake',
  ].map((kind) => ({ weight: 1, arbitrary: fc.record({ kind: fc.constant(kind), job: fc.nat(50) }) })),
);
type Step = { readonly kind: string; readonly job?: number; readonly status?: number; readonly ms?: number };

describe('whatever happens on the way', () => {
  it('the client comes to know what the runner knows, and tells each event once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps: readonly Step[]) => {
        const { client, runner, platform, events, socket } = await wireLab();
        let epoch = 1;
        const epochOf = new Map<object, number>();
        client.onEvent((event) => epochOf.set(event, epoch));
        let told: object[] = [];
        for (const { kind, job, status, ms } of steps) {
          switch (kind) {
            case 'happen':
              told.push(
                runner.happen(
                  'job.changed',
                  boardJob(`FR-00${job ?? 0}-1`, { status: jobStatuses[status ?? 0] ?? 'failed' }),
                ),
              );
              break;
            case 'pass':
              await platform.pass(ms ?? 0);
              break;
            case 'twice':
              if (told.length > 0) runner.tell('event', told[(job ?? 0) % told.length]);
              break;
            case 'swallow':
              runner.mute(true);
              break;
            case 'heard':
              runner.mute(false);
              break;
            case 'cut':
              if (!socket().isClosed()) socket().end(1006);
              break;
            case 'stall':
              // Nothing comes from the open connection any more, and nothing says so.
              await platform.pass(11 * seconds);
              break;
            case 'alive':
              runner.alive();
              break;
            case 'forget':
              runner.forget();
              break;
            case 'restore':
              if (!socket().isClosed()) socket().end(1006);
              runner.restore();
              epoch += 1;
              told = [];
              break;
            case 'slow':
            case 'late':
              // The snapshot is of when it was asked for, or of when it is answered.
              runner.answer(({ id, method }, at) => {
                if (method !== 'board.get') return undefined;
                const early = runner.snapshot();
                platform.after(700, () => {
                  if (!at.isClosed())
                    at.say({ jsonrpc: '2.0', id, result: kind === 'slow' ? early : runner.snapshot() });
                });
                return null;
              });
              break;
            case 'quick':
              runner.answer(() => undefined);
              break;
            case 'garbage':
              if (!socket().isClosed()) socket().sayText('{"jsonrpc":"2.0","method":"event","params":[]}');
              break;
            case 'wake':
              client.wake();
              break;
          }
        }
        runner.mute(false);
        // A restored runner may stand at a number that the events of before have reached, too.
        for (let beat = 0; beat < 20; beat++) {
          runner.alive();
          await platform.pass(4 * seconds);
        }
        expect(client.state().connection.kind).toBe('connected');
        expect(Object.fromEntries(client.state().jobs)).toEqual(Object.fromEntries(runner.jobs()));
        expect(client.state().cursor?.seq).toBe(runner.seq());
        for (let at = 1; at <= epoch; at++) {
          const own = events.filter((event) => epochOf.get(event) === at).map(({ seq }) => seq);
          expect(own).toEqual([...new Set(own)].sort((one, other) => one - other));
        }
        expect(platform.thrown).toEqual([]);
        client.close();
      }),
      { numRuns: 300 },
    );
  });
});
