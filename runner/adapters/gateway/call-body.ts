import type { IncomingMessage } from 'node:http';
import { withoutHostedTools } from './hosted-tools.ts';
import { field, parsedJson, textField } from './json-fields.ts';
import type { Route } from './routes.ts';

export interface CallBody {
  readonly bytes: Buffer;
  /** As the agent asked for it. */
  readonly model: string | null;
}

/** Rejects when the agent goes away; null when it sends more than `mostBytes`. */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  // One that is left early must still be answered.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body as it goes to the provider: what it costs will be told, and it reaches no other host; a sentence where it cannot go there. */
export function callBody(bytes: Buffer, route: Route): CallBody | string {
  if (!route.isModelCall) return { bytes, model: null };
  const sent = parsedJson(bytes.toString('utf8'));
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) {
    return 'The body of a call of a model is a JSON object.';
  }
  const asked = withoutHostedTools(sent as Readonly<Record<string, unknown>>, route.dialect);
  const model = route.model ?? textField(asked, 'model');
  if (route.dialect === 'responses' && field(asked, 'background') === true) {
    return 'A response in the background cannot be counted. Ask without "background".';
  }
  const isStreamed = route.dialect === 'chat' && field(asked, 'stream') === true;
  const options = field(asked, 'stream_options');
  const streamOptions = { ...(typeof options === 'object' ? options : {}), include_usage: true };
  const counted = isStreamed ? { ...asked, stream_options: streamOptions } : asked;
  // Written anew in any case: of a key that is there twice, the provider may read the one that was not looked at.
  return { bytes: Buffer.from(JSON.stringify(counted)), model };
}
