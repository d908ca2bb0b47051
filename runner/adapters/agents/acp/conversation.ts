import type * as acpModule from '@agentclientprotocol/sdk';
import type { ClientContext, NewSessionResponse, SessionConfigOption, Stream } from '@agentclientprotocol/sdk';
import { listOf, objectOf, statusInText, statusOf, textOf } from '../json-values.ts';
import type { SessionUpdates } from './session-updates.ts';
import { chooseOption, type AskedCall } from './permissions.ts';

export interface ConversationOptions {
  readonly stream: Stream;
  readonly cwd: string;
  readonly prompt: string;
  /** Empty leaves it to the agent. */
  readonly model: string;
  /** The conversation to go on with; null begins one. */
  readonly session: string | null;
  readonly updates: SessionUpdates;
  readonly isPermitted: (call: AskedCall) => boolean;
  readonly onPermission: (name: string, granted: boolean) => void;
  readonly onQuestion: (question: string) => void;
  /** As soon as there is one that can be gone on with in another run. */
  readonly onSession: (session: string) => void;
  readonly onNotice: (text: string) => void;
  /** Aborting it asks the agent to end its turn. */
  readonly cancel: AbortSignal;
}

export type Turn =
  | { readonly kind: 'stopped'; readonly reason: string; readonly answer: unknown }
  | { readonly kind: 'asked'; readonly question: string }
  /** `status` where a provider's HTTP status is known; `problem` is null when the connection ended, which says nothing. */
  | { readonly kind: 'broken'; readonly problem: string | null; readonly status: number | null };

const longestQuestion = 4_000;

/** One prompt and all that the agent does until it stops. Never rejects. */
export async function converse(options: ConversationOptions): Promise<Turn> {
  // Loaded for a run of such an agent only: it takes long.
  const acp = await import('@agentclientprotocol/sdk');
  const asking = new AbortController();
  const asked = { question: null as string | null };
  const app = acp
    .client({ name: 'opus' })
    .onRequest(acp.methods.client.session.requestPermission, ({ params }) => {
      const call = options.updates.asked(params.toolCall);
      const permitted = options.isPermitted(call);
      const outcome = asking.signal.aborted
        ? ({ outcome: 'cancelled' } as const)
        : chooseOption(params.options, permitted);
      options.onPermission(call.name, permitted && outcome.outcome === 'selected');
      return { outcome };
    })
    .onRequest(acp.methods.client.elicitation.create, ({ params }) => {
      if (params.mode === 'form' && asked.question === null) {
        asked.question = questionOf(params);
        options.onQuestion(asked.question);
        asking.abort();
      }
      return { action: 'cancel' };
    });
  try {
    const answer = await app.connectWith(options.stream, (agent) =>
      takeTurn(acp, agent, options, AbortSignal.any([options.cancel, asking.signal])),
    );
    if (asked.question !== null) return { kind: 'asked', question: asked.question };
    return { kind: 'stopped', reason: textOf(objectOf(answer)['stopReason']), answer };
  } catch (thrown) {
    if (asked.question !== null) return { kind: 'asked', question: asked.question };
    return brokenBy(thrown);
  }
}

type Acp = typeof acpModule;

async function takeTurn(
  acp: Acp,
  agent: ClientContext,
  options: ConversationOptions,
  cancel: AbortSignal,
): Promise<unknown> {
  const { methods } = acp;
  const hello: unknown = await agent.request(methods.agent.initialize, {
    protocolVersion: acp.PROTOCOL_VERSION,
    clientInfo: { name: 'opus-orchestrator', version: '1' },
    // No files and no terminals of the runner's: the agent has tools of its own, inside the sandbox.
    clientCapabilities: {
      fs: { readTextFile: false, writeTextFile: false },
      terminal: false,
      elicitation: { form: {} },
    },
  });
  const version = objectOf(hello)['protocolVersion'];
  if (version !== acp.PROTOCOL_VERSION) {
    throw new Error(
      `it speaks version ${textOf(String(version))} of the Agent Client Protocol, not ${acp.PROTOCOL_VERSION}`,
    );
  }
  const sessionId = await openSession(acp, agent, options, hello);
  const onCancel = (): void => {
    agent.notify(methods.agent.session.cancel, { sessionId }).catch(() => undefined);
  };
  if (cancel.aborted) throw new Error('it was canceled before its turn began');
  cancel.addEventListener('abort', onCancel, { once: true });
  try {
    return await agent.request(methods.agent.session.prompt, {
      sessionId,
      prompt: [{ type: 'text', text: options.prompt }],
    });
  } finally {
    cancel.removeEventListener('abort', onCancel);
  }
}

/** The one to go on with, where the agent can and has it; else a new one. */
async function openSession(
  acp: Acp,
  agent: ClientContext,
  options: ConversationOptions,
  hello: unknown,
): Promise<string> {
  const { methods } = acp;
  const abilities = objectOf(objectOf(hello)['agentCapabilities']);
  const canLoad = abilities['loadSession'] === true;
  const resume = objectOf(abilities['sessionCapabilities'])['resume'];
  const canResume = typeof resume === 'object' && resume !== null;
  const place = { cwd: options.cwd, mcpServers: [] };
  if (options.session !== null && (canLoad || canResume)) {
    const sessionId = options.session;
    try {
      const method = canResume ? methods.agent.session.resume : methods.agent.session.load;
      const opened: unknown = await agent.request(method, { ...place, sessionId });
      await chooseModel(acp, agent, options, sessionId, opened);
      options.updates.begin({ isNew: false });
      options.onSession(sessionId);
      return sessionId;
    } catch (thrown) {
      if (!(thrown instanceof acp.RequestError)) throw thrown;
    }
  }
  if (options.session !== null) {
    options.onNotice('(the conversation could not be resumed; beginning afresh with the whole context)');
  }
  const opened = await signedIn(acp, agent, hello, () => agent.request(methods.agent.session.new, place));
  const sessionId: unknown = objectOf(opened)['sessionId'];
  if (typeof sessionId !== 'string' || sessionId === '')
    throw new Error('it began a conversation without a name for it');
  await chooseModel(acp, agent, options, sessionId, opened);
  options.updates.begin({ isNew: true });
  if (canLoad || canResume) options.onSession(sessionId);
  return sessionId;
}

/** Agents that want to be told which credentials to use are told: the key in their environment. */
async function signedIn(
  acp: Acp,
  agent: ClientContext,
  hello: unknown,
  begin: () => Promise<NewSessionResponse>,
): Promise<NewSessionResponse> {
  try {
    return await begin();
  } catch (thrown) {
    if (!(thrown instanceof acp.RequestError) || thrown.code !== -32000) throw thrown;
    const ways = listOf(objectOf(hello)['authMethods']).map((way) => textOf(way['id']));
    const byKey = ways.find((way) => /api[-_]?key/i.test(way)) ?? ways.find((way) => way === 'openai');
    if (byKey === undefined) throw thrown;
    await agent.request(acp.methods.agent.authenticate, { methodId: byKey });
    return begin();
  }
}

/** Where the agent offers models and has the one that is wanted; else its command and environment have said it. */
async function chooseModel(
  acp: Acp,
  agent: ClientContext,
  options: ConversationOptions,
  sessionId: string,
  opened: unknown,
): Promise<void> {
  if (options.model === '') return;
  const choice = listOf(objectOf(opened)['configOptions']).find((one) => one['category'] === 'model');
  if (choice?.['type'] !== 'select' || choice['currentValue'] === options.model) return;
  const offered = listOf(choice['options']).flatMap((one) => [one, ...listOf(one['options'])]);
  if (!offered.some((one) => one['value'] === options.model)) return;
  const configId: SessionConfigOption['id'] = textOf(choice['id']);
  await agent.request(acp.methods.agent.session.setConfigOption, { sessionId, configId, value: options.model });
}

function questionOf(params: unknown): string {
  const { message, requestedSchema } = objectOf(params);
  const fields = Object.values(objectOf(objectOf(requestedSchema)['properties'])).map((value) => {
    const field = objectOf(value);
    const items = objectOf(field['items']);
    const choices = [field['oneOf'], items['anyOf']].flatMap(listOf).map((one) => textOf(one['title']));
    const plain = [field['enum'], items['enum']].flatMap((list) => (Array.isArray(list) ? list.map(textOf) : []));
    const all = [...choices, ...plain].filter((choice) => choice !== '');
    const words = [textOf(field['title']), textOf(field['description'])].filter((part) => part !== '').join(': ');
    return [words, all.join(' | ')].filter((part) => part !== '').join(' – ');
  });
  const lines = [textOf(message), ...fields.filter((line) => line !== '').map((line) => `- ${line}`)];
  return lines.join('\n').slice(0, longestQuestion) || 'The agent asks, and does not say what.';
}

/** What an agent answered instead of doing it. */
function brokenBy(thrown: unknown): Turn {
  const { code, data, message } = objectOf(thrown);
  const words = textOf(message);
  if (typeof code !== 'number') {
    return { kind: 'broken', problem: words === '' || words === 'ACP connection closed' ? null : words, status: null };
  }
  const details =
    typeof data === 'string' ? textOf(data) : textOf(objectOf(data)['details']) || textOf(objectOf(data)['message']);
  const problem = [words, details].filter((part) => part !== '').join(': ');
  const status = statusOf(code) ?? statusOf(objectOf(data)['status']) ?? statusInText(problem);
  // -32000 is the protocol's word for credentials that are missing.
  return { kind: 'broken', problem, status: status ?? (code === -32000 ? 401 : null) };
}
