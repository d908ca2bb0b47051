import * as z from 'zod/mini';
import { OpusError } from '../../domain/errors.ts';
import { boardJob, featureRequestDocument } from '../board.ts';
import { methodResults } from '../method-results.ts';
import type { MethodResult } from '../methods.ts';

const whole = methodResults['board.get'];
const frame = z.extend(whole, { jobs: z.array(z.unknown()), featureRequests: z.array(z.unknown()) });

/** One job or note that is not what the protocol says is left out, so that all others can be shown. */
export function readSnapshot(answer: unknown): { readonly snapshot: MethodResult<'board.get'>; readonly left: number } {
  const read = frame.safeParse(answer);
  if (!read.success) {
    throw new OpusError('protocol.invalid', 'What the runner says of its jobs is not understood here.', {
      hint: 'The plugin and the runner may be of different versions: update the older one.',
    });
  }
  const { jobs, featureRequests, ...rest } = read.data;
  const readJobs = jobs.flatMap((job) => boardJob.safeParse(job).data ?? []);
  const readRequests = featureRequests.flatMap((note) => featureRequestDocument.safeParse(note).data ?? []);
  return {
    snapshot: { ...rest, jobs: readJobs, featureRequests: readRequests },
    left: jobs.length - readJobs.length + featureRequests.length - readRequests.length,
  };
}
