import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { JobStep } from './records.ts';
import type { GitHubState } from './state.ts';

const chunkSize = 65_536;

/** Each step has a second of its own, so that its lines are told by their times. */
export function stepTimes(startedAt: number, index: number): { readonly start: number; readonly end: number } {
  return { start: startedAt + index * 1000, end: startedAt + (index + 1) * 1000 };
}

export function* jobLog(steps: readonly JobStep[], startedAt: number): Iterable<string> {
  for (const [index, step] of steps.entries()) {
    const { start } = stepTimes(startedAt, index);
    const stamp = new Date(start).toISOString().replace('Z', '0000Z');
    yield `${stamp} ##[group]${step.name}\n${stamp} ##[endgroup]\n`;
    const parts = typeof step.log === 'string' ? [step.log] : step.log();
    for (const part of parts) {
      for (const line of part.replace(/\n$/, '').split('\n')) yield `${stamp} ${line}\n`;
    }
    if (step.conclusion === 'failure') yield `${stamp} ##[error]Process completed with exit code 1.\n`;
  }
}

/** Sends a log as it is made; none is ever whole in memory. */
export async function sendLog(state: GitHubState, url: URL, response: ServerResponse): Promise<void> {
  const id = Number(url.pathname.split('/').at(-1));
  const run = [...state.repositories.values()]
    .flatMap((repository) => repository.checkRuns)
    .find((candidate) => candidate.id === id);
  if (run === undefined) {
    response.writeHead(404).end('BlobNotFound');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  // A client that has read enough goes away.
  await pipeline(Readable.from(chunks(jobLog(run.steps, run.startedAt))), response).catch(() => undefined);
}

function* chunks(lines: Iterable<string>): Iterable<string> {
  let waiting = '';
  for (const line of lines) {
    waiting += line;
    if (waiting.length < chunkSize) continue;
    yield waiting;
    waiting = '';
  }
  yield waiting;
}
