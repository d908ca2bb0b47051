import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../core/ports/clock.ts';
import type { CallBody } from './call-body.ts';
import type { Endpoint } from './endpoints.ts';
import { textField, field } from './json-fields.ts';
import { createMeter } from './meter.ts';
import { requestHeaders, responseHeaders } from './passed-headers.ts';
import { answerError, endOfRun, errorEvent } from './protocol-errors.ts';
import { askProvider, reasonOf, type Connections } from './provider-request.ts';
import { newReading, type Reading } from './reading.ts';
import type { Redaction } from '../../core/blank-out.ts';
import type { Route } from './routes.ts';
import { answerRedaction } from './spoken-redaction.ts';
import type { ErrorAnswer } from './usage-limits.ts';
import { usageReaders } from './usage-readers.ts';
import { windowsOf } from './windows.ts';

export interface ModelCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly endpoint: Endpoint;
  readonly route: Route;
  readonly body: CallBody;
  readonly connections: Connections;
  readonly redaction: Redaction;
  /** Cuts the response, with this reason in the agent's own protocol. */
  readonly cut: AbortSignal;
  /** More of the response was read. */
  readonly onProgress: (reading: Reading) => void;
  /** Once, when nothing more will come, for a call that a provider has taken. */
  readonly onEnd: (reading: Reading) => void;
  /** Once, in place of `onEnd`, when no provider has taken it. */
  readonly onNothing: () => void;
  readonly clock: Clock;
  /** How long an answer is read on for its count when the agent has gone away. */
  readonly drainMs: number;
  /** What the agent is told instead of the provider's own error; null leaves that. */
  readonly onRefusal: (answer: ErrorAnswer) => string | null;
}

/** The most of an answer that is read when the agent has gone away. */
const mostDrainedBytes = 32 * 1024 ** 2;

/**
 * Passes one call on to the provider, and its answer back as it comes. An agent that goes away does not end it: only the
 * provider's last words tell its count, and it may charge for what it was asked either way. Settles when both are done;
 * never rejects.
 */
export async function passOn(call: ModelCall): Promise<void> {
  if (call.response.destroyed) {
    call.onNothing();
    return;
  }
  const overdue = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onGone = (): void => {
    timer = setTimeout(() => {
      overdue.abort();
    }, call.drainMs);
  };
  call.response.once('close', onGone);
  try {
    await passOnUntil(call, AbortSignal.any([overdue.signal, call.cut]), overdue);
  } finally {
    call.response.off('close', onGone);
    clearTimeout(timer);
  }
}

async function passOnUntil(call: ModelCall, end: AbortSignal, overdue: AbortController): Promise<void> {
  const { request, response, endpoint, route, body, cut } = call;
  let answer: IncomingMessage;
  try {
    answer = await askProvider(call.connections, {
      url: endpoint.base + route.target,
      method: request.method ?? 'GET',
      headers: requestHeaders(request.headers, endpoint),
      body: body.bytes,
      signal: end,
    });
  } catch (thrown) {
    // The model may well have worked until then.
    if (end.aborted) call.onEnd(newReading());
    else call.onNothing();
    if (cut.aborted) answerError(response, route.dialect, { status: endOfRun, message: String(cut.reason) });
    const message = `The model endpoint ${endpoint.name} cannot be reached: ${reasonOf(thrown)}.`;
    if (!response.destroyed && !response.headersSent) answerError(response, route.dialect, { status: 502, message });
    return;
  }
  const status = answer.statusCode ?? 502;
  if (status < 200 || status >= 300) {
    call.onNothing();
    await passOnRefusal(call, answer, status);
  } else if (isCompressed(answer)) {
    answer.destroy();
    call.onEnd(newReading());
    const message = `The model endpoint ${endpoint.name} compresses what was asked for plain.`;
    answerError(response, route.dialect, { status: 502, message });
  } else await passOnResponse(call, answer, end, overdue);
}

function isCompressed(answer: IncomingMessage): boolean {
  return !['', 'identity'].includes(answer.headers['content-encoding'] ?? '');
}

function passOnResponse(
  call: ModelCall,
  answer: IncomingMessage,
  toEnd: AbortSignal,
  overdue: AbortController,
): Promise<void> {
  const { response, route, endpoint, redaction } = call;
  const meter = createMeter(answer.headers['content-type'] ?? '', usageReaders[route.dialect]);
  meter.reading.windows = windowsOf(answer.headers, call.clock.now());
  const redacted = answerRedaction(redaction, endpoint.secret, answer.headers['content-type'] ?? '');
  let endsLine = true;
  let isEnded = false;
  let drained = 0;

  return new Promise((resolve) => {
    const end = (): void => {
      if (isEnded) return;
      isEnded = true;
      meter.end();
      toEnd.removeEventListener('abort', onCut);
      call.onEnd(meter.reading);
      resolve();
    };
    const onCut = (): void => {
      answer.destroy();
      const isStream = answer.headers['content-type']?.startsWith('text/event-stream') === true;
      end();
      if (isStream && endsLine) response.end(errorEvent(route.dialect, String(toEnd.reason)));
      else response.destroy();
    };
    const send = (bytes: Buffer): void => {
      if (bytes.length === 0 || response.destroyed) return;
      endsLine = bytes.at(-1) === 0x0a;
      if (!response.write(bytes)) answer.pause();
    };

    answer.on('data', (chunk: Buffer) => {
      const bytes = redacted.push(chunk);
      // What is noted of a response must not hold the credential either.
      meter.push(bytes);
      call.onProgress(meter.reading);
      if (isEnded) return;
      send(bytes);
      if (!response.destroyed) return;
      drained += chunk.length;
      if (drained > mostDrainedBytes) overdue.abort();
    });
    for (const event of ['drain', 'close']) response.on(event, () => answer.resume());
    answer.once('end', () => {
      if (isEnded) return;
      const rest = redacted.end();
      meter.push(rest);
      send(rest);
      end();
      if (!response.destroyed) response.end();
    });
    answer.once('close', () => {
      if (isEnded) return;
      end();
      response.destroy();
    });
    answer.on('error', () => undefined);
    if (!response.destroyed) {
      response.writeHead(answer.statusCode ?? 200, responseHeaders(answer.headers, redaction.text));
      response.flushHeaders();
    }
    toEnd.addEventListener('abort', onCut);
    if (toEnd.aborted) onCut();
  });
}

const mostErrorBytes = 256 * 1024;

async function passOnRefusal(call: ModelCall, answer: IncomingMessage, status: number): Promise<void> {
  const { response, route, endpoint, redaction } = call;
  if (status < 400) {
    answer.destroy();
    const message = `The model endpoint ${endpoint.name} redirects (${status}), which is not followed.`;
    answerError(response, route.dialect, { status: 502, message });
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= mostErrorBytes) chunks.push(chunk);
      else answer.destroy();
    }
  } catch {
    // What came until then says enough.
  }
  // Its words go to people too, where they say for how long to wait.
  const body = isCompressed(answer) ? '' : redaction.text(Buffer.concat(chunks).toString('utf8'));
  const instead = call.onRefusal({ status, headers: answer.headers, body });
  if (instead !== null) {
    answerError(response, route.dialect, { status: endOfRun, message: instead });
    return;
  }
  if (response.destroyed) return;
  const headers = responseHeaders(answer.headers, redaction.text);
  delete headers['content-length'];
  response.writeHead(status, headers);
  response.end(body);
}

/** What the provider says went wrong, as short as it can be told to a person. */
export function providerWords(body: unknown): string | null {
  const message = textField(body, 'error', 'message') ?? textField(field(body, 0), 'error', 'message');
  return message === null ? null : (message.split('\n')[0]?.slice(0, 300) ?? null);
}
