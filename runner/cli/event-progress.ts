import { stages, type Stage } from '#shared/domain/stage.ts';
import type { ProtocolEvent } from '#shared/protocol/method-results.ts';
import { weakenedEvent, weaknessSentence } from '../core/weaker.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

const waitSentences: Readonly<Record<string, string>> = {
  slot: 'waits for a free slot',
  dependency: 'waits for another request',
  'usage-limit': 'waits until the usage limit is over',
  circuit: 'waits until the agent or forge has rested',
  disk: 'waits for space on the disk',
  forge: 'waits for the forge',
};

/** Shows the service's events as the progress of a run in this process is shown. */
export function createEventProgress(progress: Progress, terminal: Terminal): (event: ProtocolEvent) => void {
  return ({ type, jobId, data }) => {
    const stage = stages.find((name: Stage) => name === data['stage']);
    const line = { job: jobId ?? '', stage: stage ?? '', round: Number(data['round'] ?? 0) };
    switch (type) {
      case 'stage.started':
        progress.show({ ...line, kind: 'started', text: '' });
        return;
      case 'stage.completed':
        progress.show({ ...line, kind: 'ended', text: `passed: ${text(data['sentence'])}` });
        return;
      case 'stage.failed':
        progress.show({ ...line, kind: 'ended', text: `${text(data['status'])}: ${failureText(data)}` });
        return;
      case weakenedEvent:
        if (Array.isArray(data['weaker'])) {
          for (const one of data['weaker'])
            progress.show({ ...line, kind: 'note', text: `warning: ${weaknessSentence(text(one))}` });
        }
        return;
      case 'job.waiting': {
        const sentence = waitSentences[text(data['waitingFor'])];
        if (sentence !== undefined) terminal.err(`  ${jobId ?? ''} ${sentence}`);
        return;
      }
      case 'job.queued':
        terminal.err(`  ${jobId ?? ''} is queued; the service starts it when there is a free slot`);
        return;
      case 'job.paused':
        terminal.err(`  ${jobId ?? ''} is paused${data['by'] === 'preemption' ? ' for a more urgent job' : ''}`);
        return;
      default:
    }
  };
}

function failureText(data: Readonly<Record<string, unknown>>): string {
  const error = data['error'];
  if (typeof error === 'object' && error !== null && 'message' in error) return text(error.message);
  return text(data['sentence']);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
