import type { ServerResponse } from 'node:http';
import type { Dialect } from './routes.ts';

export interface ProtocolError {
  readonly status: number;
  readonly message: string;
  /** Whether the agent may try again by itself, after so many seconds. */
  readonly retryAfter?: number;
}

/**
 * What an agent is told that is to end: with 400 all of them stop at once, while 401, 402 and 429 are tried again for
 * minutes by some.
 */
export const endOfRun = 400;

/** Answers in the words of the agent's own protocol. */
export function answerError(response: ServerResponse, dialect: Dialect, error: ProtocolError): void {
  const { status, message, retryAfter } = error;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(errorBody(dialect, status, message));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    // The vendors' own libraries heed it.
    ...(status === endOfRun ? { 'x-should-retry': 'false' } : {}),
  });
  response.end(body);
}

/** The event that ends a stream early. */
export function errorEvent(dialect: Dialect, message: string): string {
  if (dialect === 'responses') {
    const response = {
      ...{ id: 'resp_cut', object: 'response', created_at: 0, status: 'failed', output: [] },
      // The one code after which Codex does not try again.
      error: { code: 'insufficient_quota', message },
      ...{ incomplete_details: null, usage: null },
    };
    return event('response.failed', { type: 'response.failed', sequence_number: 0, response });
  }
  const body = errorBody(dialect, endOfRun, message);
  return dialect === 'messages' ? event('error', body) : `data: ${JSON.stringify(body)}\n\n`;
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
};

const googleStatus: Readonly<Record<number, string>> = {
  400: 'FAILED_PRECONDITION',
  404: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
};

function errorBody(dialect: Dialect, status: number, message: string): unknown {
  switch (dialect) {
    case 'messages':
      return { type: 'error', error: { type: anthropicTypes[status] ?? 'api_error', message } };
    case 'generate':
      return { error: { code: status, message, status: googleStatus[status] ?? 'UNAVAILABLE' } };
    case 'responses':
    case 'chat': {
      const type = status < 500 ? 'invalid_request_error' : 'server_error';
      return { error: { message, type, code: status === 429 ? 'rate_limit_exceeded' : null, param: null } };
    }
  }
}
