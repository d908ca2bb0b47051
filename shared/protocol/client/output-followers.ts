import { toOpusError } from '../../domain/errors.ts';
import type { WireOutput } from '../wire.ts';
import type { PendingCalls } from './pending-calls.ts';
import type { OutputFollower } from './runner-client.ts';

const mostEarly = 500;

interface Following {
  readonly job: string;
  readonly follower: OutputFollower;
  /** Null until the runner has said it. */
  subscription: number | null;
  /** Whether it was ever asked for. */
  isBegun: boolean;
}

/** Who follows jobs, over all connections of a client. */
export interface OutputFollowers {
  follow(job: string, follower: OutputFollower): () => void;
  output(output: WireOutput): void;
  /** A connection is there on which everything is asked for anew. */
  connected(): void;
  ended(): void;
}

export function createOutputFollowers(
  calls: Pick<PendingCalls, 'call'>,
  guarded: (action: () => void) => void,
): OutputFollowers {
  const all = new Set<Following>();
  let connection: object | null = null;
  /** The runner may tell before its answer says under which number; nobody else can have asked. */
  let early: WireOutput[] = [];
  let asking = 0;

  function subscribe(following: Following): void {
    if (connection === null) return;
    const mine = connection;
    const isAgain = following.isBegun;
    following.isBegun = true;
    if (isAgain) {
      guarded(() => {
        following.follower.restarted();
      });
    }
    asking += 1;
    calls
      .call('output.subscribe', { job: following.job })
      .then(
        ({ subscription }) => {
          if (connection !== mine) return;
          if (!all.has(following)) {
            unsubscribe(subscription);
            return;
          }
          following.subscription = subscription;
          for (const output of early.filter((one) => one.subscription === subscription)) tell(following, output);
        },
        (thrown: unknown) => {
          if (connection !== mine || !all.has(following)) return;
          guarded(() => {
            following.follower.failed(toOpusError(thrown).message);
          });
        },
      )
      .finally(() => {
        if (connection !== mine) return;
        asking -= 1;
        if (asking === 0) early = [];
      });
  }

  function unsubscribe(subscription: number): void {
    // Its connection may be gone, and the subscription with it.
    calls.call('output.unsubscribe', { subscription }).catch(() => undefined);
  }

  function tell({ follower }: Following, { entries, dropped, rests }: WireOutput): void {
    guarded(() => {
      if (entries.length > 0 || dropped > 0) follower.entries(entries, dropped);
      if (rests) follower.rests();
    });
  }

  return {
    follow(job, follower) {
      const following: Following = { job, follower, subscription: null, isBegun: false };
      all.add(following);
      subscribe(following);
      return () => {
        if (!all.delete(following)) return;
        if (following.subscription !== null) unsubscribe(following.subscription);
      };
    },
    output(output) {
      const following = [...all].find(({ subscription }) => subscription === output.subscription);
      if (following) tell(following, output);
      else if (asking > 0 && early.length < mostEarly) early.push(output);
    },
    connected() {
      connection = {};
      early = [];
      asking = 0;
      for (const following of all) subscribe(following);
    },
    ended() {
      connection = null;
      for (const following of all) following.subscription = null;
    },
  };
}
