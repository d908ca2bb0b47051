import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Endpoint } from './endpoints.ts';

/** Others could carry a credential of the agent's, name another account, or leave out the count of the tokens. */
const passedOn = new RegExp(
  `^(?:${[
    ...['accept', 'content-type', 'user-agent', 'idempotency-key', 'anthropic-version', 'anthropic-beta', 'x-app'],
    ...['x-stainless-[a-z-]+', 'x-claude-[a-z-]+', 'openai-beta', 'originator', 'session[_-]id', 'conversation_id'],
    ...['x-codex-[a-z-]+', 'x-goog-api-client', 'x-client-request-id', 'http-referer', 'x-title'],
  ].join('|')})$`,
);

/** What tokens of a Claude subscription need. */
const subscriptionBeta = 'oauth-2025-04-20';

/** What goes to the provider with a request of an agent. */
export function requestHeaders(headers: IncomingHttpHeaders, endpoint: Endpoint): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && passedOn.test(name)) passed[name] = value;
  }
  if (endpoint.protocol === 'anthropic') {
    passed['anthropic-version'] ??= '2023-06-01';
    if (endpoint.isSubscription) {
      const betas = [passed['anthropic-beta'] ?? []].flat().flatMap((value) => String(value).split(','));
      const wanted = new Set([...betas.map((beta) => beta.trim()), subscriptionBeta]);
      passed['anthropic-beta'] = [...wanted].filter((beta) => beta !== '').join(',');
    }
  }
  // What is compressed can be neither counted nor searched for the key.
  return { ...passed, 'accept-encoding': 'identity', ...endpoint.credentials };
}

const keptBack =
  /^(?:connection|proxy-.*|keep-alive|te|trailer|transfer-encoding|upgrade|set-cookie|alt-svc|strict-transport-security|content-encoding)$/;

/** What goes back to the agent. */
export function responseHeaders(
  headers: IncomingHttpHeaders,
  redacted: (text: string) => string,
): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || keptBack.test(name)) continue;
    passed[name] = typeof value === 'string' ? redacted(value) : value.map(redacted);
  }
  return passed;
}
