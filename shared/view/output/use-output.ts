import { useEffect, useState } from 'preact/hooks';
import { toOpusError } from '../../domain/errors.ts';
import {
  atRest,
  noOutput,
  reconnected,
  withEntries,
  withLogs,
  type OutputModel,
} from '../../view-model/output-model.ts';
import { useHost } from '../frame/host-context.ts';

export interface FollowedOutput {
  readonly model: OutputModel;
  /** Why it cannot be followed; null while it can. */
  readonly failed: string | null;
}

/** The output of a job, drawn at most once a frame. */
export function useOutput(job: string): FollowedOutput {
  const host = useHost();
  const [output, setOutput] = useState<FollowedOutput>({ model: noOutput, failed: null });
  useEffect(() => {
    let model = noOutput;
    let frame: number | null = null;
    const show = (next: OutputModel, failed: string | null = null): void => {
      model = next;
      if (frame !== null) window.cancelAnimationFrame(frame);
      frame = window.requestAnimationFrame(() => {
        frame = null;
        setOutput({ model, failed });
      });
    };
    /** Of a job that rests nothing is told any more; its logs are kept. */
    const showLogs = async (): Promise<void> => {
      try {
        const { logs } = await host.client.call('job.log', { job, lines: 1_000 });
        if (model.lines.length === 0) show(withLogs(model, logs));
      } catch (thrown) {
        show(model, toOpusError(thrown).message);
      }
    };
    const stop = host.client.followOutput(job, {
      entries(entries, dropped) {
        show(withEntries(model, entries, dropped));
      },
      restarted() {
        show(reconnected(model));
      },
      rests() {
        show(atRest(model));
        if (model.lines.length === 0) void showLogs();
      },
      failed(sentence) {
        show(model, sentence);
      },
    });
    return () => {
      if (frame !== null) window.cancelAnimationFrame(frame);
      stop();
    };
  }, [host, job]);
  return output;
}
