import { OpusError } from '../../domain/errors.ts';
import { methodResults } from '../method-results.ts';
import type { MethodInput, MethodName, MethodResult } from '../methods.ts';
import { opusErrorOf } from '../opus-error-of.ts';
import type { ClientPlatform } from './runner-client.ts';

const mostCalls = 200;
/** A runner refuses more from one connection; the others wait for their turn here. */
const mostUnderWay = 24;
const timeOutMs = 30_000;

/** After any other call whose answer is missing, nobody knows whether it was done. */
const reading: readonly string[] = [
  'board.get',
  'fr.validate',
  'runner.status',
  'job.list',
  'job.get',
  'job.log',
  'job.diff',
  'events.since',
  'output.subscribe',
  'output.unsubscribe',
  'trust.list',
  'device.list',
];

export interface PendingCalls {
  call<Method extends MethodName>(method: Method, params: MethodInput<Method>): Promise<MethodResult<Method>>;
  /** A call whose answer is not checked yet. */
  ask(method: string, params: unknown): Promise<unknown>;
  /** Both return false where nobody waits for it. */
  answered(id: number, result: unknown): boolean;
  failed(id: number, error: unknown): boolean;
  /** No answer comes any more. */
  ended(): void;
}

interface Waiting {
  readonly method: string;
  readonly text: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: OpusError) => void;
}

/** The calls of one client over all its connections. `send` returns false where there is none. */
export function createPendingCalls(
  platform: Pick<ClientPlatform, 'after'>,
  send: (text: string) => boolean,
): PendingCalls {
  const waiting = new Map<number, Waiting>();
  const underWay = new Set<number>();
  let lastId = 0;

  function take(id: number): Waiting | undefined {
    const found = waiting.get(id);
    waiting.delete(id);
    underWay.delete(id);
    sendNext();
    return found;
  }

  function sendNext(): void {
    for (const [id, { text }] of waiting) {
      if (underWay.size >= mostUnderWay) return;
      if (underWay.has(id)) continue;
      underWay.add(id);
      if (!send(text)) take(id)?.reject(notSent());
    }
  }

  function ask(method: string, params: unknown): Promise<unknown> {
    if (waiting.size >= mostCalls) {
      return Promise.reject(
        new OpusError('protocol.too-many', `${method} was not asked: too many calls wait for an answer already.`, {
          hint: 'Try again when they are answered.',
        }),
      );
    }
    const id = ++lastId;
    const { promise, ...waits } = Promise.withResolvers<unknown>();
    const cancel = platform.after(timeOutMs, () => {
      take(id)?.reject(unanswered(method, 'did not answer in time'));
    });
    waiting.set(id, { method, text: JSON.stringify({ jsonrpc: '2.0', id, method, params }), ...waits });
    sendNext();
    return promise.finally(cancel);
  }

  return {
    ask,
    async call(method, params) {
      const read = methodResults[method].safeParse(await ask(method, params));
      if (!read.success) {
        throw new OpusError('protocol.invalid', `The runner's answer to ${method} is not understood.`, {
          hint: 'The plugin and the runner may be of different versions: update the older one.',
        });
      }
      // The schema of this very method made it; TypeScript cannot tell one method of the union from another.
      return read.data as MethodResult<typeof method>;
    },
    answered(id, result) {
      const found = take(id);
      found?.resolve(result);
      return found !== undefined;
    },
    failed(id, error) {
      const found = take(id);
      found?.reject(opusErrorOf(error));
      return found !== undefined;
    },
    ended() {
      const left = [...waiting];
      const sent = new Set(underWay);
      waiting.clear();
      underWay.clear();
      for (const [id, { method, reject }] of left) {
        reject(sent.has(id) ? unanswered(method, 'was lost before it answered') : notSent());
      }
    },
  };
}

function notSent(): OpusError {
  return new OpusError('protocol.unreachable', 'There is no connection to the runner.', {
    hint: 'Nothing was done. Try again when the runner is connected.',
  });
}

function unanswered(method: string, what: string): OpusError {
  return reading.includes(method)
    ? new OpusError('protocol.unreachable', `The runner ${what}.`, { hint: 'Try again when it is connected.' })
    : new OpusError('protocol.unreachable', `The runner ${what}: it is not known whether this was done.`, {
        hint: 'Look at what it shows when it is connected again, before you repeat it.',
      });
}
