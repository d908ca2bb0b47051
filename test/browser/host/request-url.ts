import { bridge, type OutsideResponse } from './bridge.ts';

interface RequestUrlParam {
  readonly url: string;
  readonly method?: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly throw?: boolean;
}

type Answer = OutsideResponse & { readonly json: unknown };

/** By the system's own client, which knows no origin. An answer of 400 or more is thrown unless that is declined. */
export function requestUrl(
  request: RequestUrlParam | string,
): Promise<Answer> & { text: Promise<string>; json: Promise<unknown> } {
  const asked = typeof request === 'string' ? { url: request } : request;
  const answer = ask(asked);
  const text = answer.then((response) => response.text);
  const json = answer.then((response) => response.json);
  for (const each of [text, json]) each.catch(() => undefined);
  return Object.assign(answer, { text, json });
}

async function ask({
  url,
  method = 'GET',
  contentType,
  body,
  headers,
  throw: throws = true,
}: RequestUrlParam): Promise<Answer> {
  const response = await bridge.request({
    url,
    method,
    headers: { ...headers, ...(contentType !== undefined && { 'content-type': contentType }) },
    body: body ?? null,
  });
  if (throws && response.status >= 400)
    throw Object.assign(new Error(`Request failed, status ${response.status}`), { status: response.status });
  return {
    ...response,
    get json(): unknown {
      return JSON.parse(response.text) as unknown;
    },
  };
}
