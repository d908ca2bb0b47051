import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import {
  agent,
  methods,
  ndJsonStream,
  RequestError,
  type AgentContext,
  type RequestPermissionResponse,
  type SessionUpdate,
  type StopReason,
  type ToolKind,
} from '@agentclientprotocol/sdk';

/** What the scripted agent does in its turn, one step after the other. */
export type AgentStep =
  | { readonly say: string }
  | { readonly sayEnvironment: readonly string[] }
  | { readonly sayPrompt: true }
  /** Without asking, as agents do inside a sandbox. */
  | { readonly write: string; readonly content: string }
  | { readonly result: unknown }
  | { readonly update: unknown }
  /** Asks first, and says what was answered. */
  | { readonly permission: string; readonly path?: string; readonly options?: readonly string[] }
  /** Over the client's files, which it should not offer; says what was answered. */
  | { readonly clientFile: string }
  | { readonly ask: string; readonly choices?: readonly string[] }
  /** Waits until the turn is canceled. */
  | { readonly hang: true }
  /** Waits for ever. */
  | { readonly deaf: true }
  | { readonly printRaw: string }
  | { readonly printMegabytes: number }
  | { readonly printError: string }
  | { readonly closeOutput: true }
  | { readonly leaveProcess: string; readonly detached: boolean }
  /** Requests that nobody has time to answer, as fast as it can. */
  | { readonly requests: number }
  | { readonly fail: { readonly code: number; readonly message: string; readonly data?: unknown } }
  | { readonly exit: number };

export interface AgentScript {
  readonly steps: readonly AgentStep[];
  /** Of later turns of the same conversation. */
  readonly resumedSteps?: readonly AgentStep[];
  readonly stop?: string;
  /** Beside the stop reason in the answer. */
  readonly answer?: Readonly<Record<string, unknown>>;
  readonly canLoad?: boolean;
  readonly canResume?: boolean;
  /** Loading answers with an error, as if it had lost the conversation. */
  readonly loses?: boolean;
  /** Wants to be signed in by one of these first. */
  readonly signIn?: readonly string[];
  readonly models?: readonly string[];
  readonly version?: number;
  /** Goes on when its standard input has ended. */
  readonly stays?: boolean;
  /** Prints this and nothing else, for ever. */
  readonly isNoAgent?: string;
}

const script = JSON.parse(process.argv[2] ?? '{"steps":[]}') as AgentScript;
const memory = (id: string): string => join(process.env['HOME'] ?? '/nonexistent', 'conversations', `${id}.txt`);
const canceled = new AbortController();
let signedIn = script.signIn === undefined;
let model = 'the usual one';

if (script.isNoAgent !== undefined) {
  setInterval(() => process.stdout.write(`${script.isNoAgent ?? ''}\n`), 20);
} else {
  serve();
}

function serve(): void {
  process.stdin.on('end', () => {
    if (script.stays !== true) process.exit(0);
  });
  if (script.stays === true) setInterval(() => undefined, 1_000);
  const models = script.models ?? [];
  const opened = {
    ...(models.length === 0
      ? {}
      : {
          configOptions: [
            {
              type: 'select' as const,
              id: 'model',
              name: 'Model',
              category: 'model',
              currentValue: models[0] ?? '',
              options: models.map((value) => ({ value, name: value })),
            },
          ],
        }),
  };
  agent({ name: 'scripted' })
    .onRequest(methods.agent.initialize, ({ params }) => {
      const capabilities = JSON.stringify(params.clientCapabilities);
      process.stderr.write(`offered ${capabilities}\n`);
      return {
        protocolVersion: script.version ?? 1,
        authMethods: (script.signIn ?? []).map((id) => ({ id, name: id })),
        agentCapabilities: {
          loadSession: script.canLoad === true,
          ...(script.canResume === true ? { sessionCapabilities: { resume: {} } } : {}),
        },
      };
    })
    .onRequest(methods.agent.authenticate, ({ params }) => {
      process.stderr.write(`signed in by ${params.methodId}\n`);
      signedIn = true;
      return {};
    })
    .onRequest(methods.agent.session.new, () => {
      if (!signedIn) throw RequestError.authRequired();
      const sessionId = `conversation-${process.hrtime.bigint()}`;
      mkdirSync(dirname(memory(sessionId)), { recursive: true });
      writeFileSync(memory(sessionId), '');
      return { sessionId, ...opened };
    })
    .onRequest(methods.agent.session.load, async ({ params, client }) => {
      remembered(params.sessionId);
      const past = readFileSync(memory(params.sessionId), 'utf8');
      await send(client, params.sessionId, {
        sessionUpdate: 'agent_message_chunk',
        content: { type: 'text', text: past },
      });
      await send(client, params.sessionId, {
        sessionUpdate: 'usage_update',
        used: 1,
        size: 2,
        cost: { amount: 5, currency: 'USD' },
      });
      return opened;
    })
    .onRequest(methods.agent.session.resume, ({ params }) => {
      remembered(params.sessionId);
      return opened;
    })
    .onRequest(methods.agent.session.setConfigOption, ({ params }) => {
      model = String(params.value);
      return { configOptions: [] };
    })
    .onNotification(methods.agent.session.cancel, () => {
      canceled.abort();
    })
    .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
      const id = params.sessionId;
      const past = readFileSync(memory(id), 'utf8');
      const steps = past === '' ? script.steps : (script.resumedSteps ?? script.steps);
      writeFileSync(memory(id), `${past}(said before)`);
      for (const step of steps) {
        await take(step, id, params.prompt, client);
        if (canceled.signal.aborted) return { stopReason: 'cancelled' };
      }
      return { stopReason: (script.stop ?? 'end_turn') as StopReason, ...script.answer };
    })
    .connect(
      ndJsonStream(
        Writable.toWeb(process.stdout),
        Readable.toWeb(process.stdin) as unknown as ReadableStream<Uint8Array>,
      ),
    );
}

function remembered(id: string): void {
  if (script.loses === true || !existsSync(memory(id))) throw RequestError.sessionNotFound(id);
}

function send(client: AgentContext, sessionId: string, update: unknown): Promise<void> {
  return client.notify(methods.client.session.update, { sessionId, update: update as SessionUpdate });
}

async function take(step: AgentStep, sessionId: string, prompt: unknown, client: AgentContext): Promise<void> {
  const say = (text: string): Promise<void> =>
    send(client, sessionId, { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } });
  if ('say' in step) await say(step.say);
  if ('sayEnvironment' in step) {
    await say(step.sayEnvironment.map((name) => `${name}=${process.env[name] ?? '(none)'}\n`).join(''));
    await say(`model=${model}\n`);
  }
  if ('sayPrompt' in step) await say(`${JSON.stringify(prompt)}\n`);
  if ('write' in step) writeFileSync(step.write, step.content);
  if ('result' in step) writeFileSync(process.env['OPUS_RESULT_FILE'] ?? '', JSON.stringify(step.result));
  if ('update' in step) await send(client, sessionId, step.update);
  if ('permission' in step) {
    const path = step.path?.replace('RESULT', process.env['OPUS_RESULT_FILE'] ?? '');
    const { outcome }: RequestPermissionResponse = await client.request(methods.client.session.requestPermission, {
      sessionId,
      toolCall: {
        toolCallId: `call-${step.permission}`,
        name: `${step.permission}-tool`,
        kind: step.permission as ToolKind,
        rawInput: { path },
        ...(path === undefined ? {} : { locations: [{ path }] }),
      },
      options: (step.options ?? ['allow_once', 'allow_always', 'reject_once']).map((kind) => ({
        optionId: `id-${kind}`,
        name: kind,
        kind: kind as 'allow_once',
      })),
    });
    await say(`${step.permission}: ${outcome.outcome === 'selected' ? outcome.optionId : 'none'}\n`);
  }
  if ('clientFile' in step) {
    const wanted = { sessionId, path: step.clientFile, content: 'from outside' };
    const answer = await client.request(methods.client.fs.writeTextFile, wanted).then(
      () => 'written',
      (error: unknown) => `refused with ${(error as RequestError).code}`,
    );
    await say(`${answer}\n`);
  }
  if ('ask' in step) {
    const field = { type: 'string' as const, title: 'Which', enum: [...(step.choices ?? [])] };
    const answer = await client.request(methods.client.elicitation.create, {
      mode: 'form',
      sessionId,
      message: step.ask,
      requestedSchema: { type: 'object', properties: step.choices === undefined ? {} : { which: field } },
    });
    process.stderr.write(`answered ${answer.action}\n`);
    await untilCanceled();
  }
  if ('hang' in step) {
    await untilCanceled();
    process.stderr.write('the turn was canceled\n');
  }
  if ('deaf' in step) await new Promise(() => undefined);
  if ('printRaw' in step) process.stdout.write(`${step.printRaw}\n`);
  if ('printMegabytes' in step) {
    for (let n = 0; n < step.printMegabytes; n += 1) {
      const piece = 'x'.repeat(1_048_576);
      await new Promise((resolve) => process.stdout.write(piece, resolve));
    }
    process.stdout.write('\n');
  }
  if ('printError' in step) process.stderr.write(`${step.printError}\n`);
  if ('closeOutput' in step) closeSync(1);
  if ('leaveProcess' in step)
    spawn('sleep', ['600'], { detached: step.detached, stdio: 'ignore', env: { MARK: step.leaveProcess } }).unref();
  if ('requests' in step) {
    for (let n = 0; n < step.requests; n += 1) {
      const request = { jsonrpc: '2.0', id: `flood-${n}`, method: 'nobody/knows/this', params: {} };
      process.stdout.write(`${JSON.stringify(request)}\n`);
    }
    process.stdin.pause();
    await new Promise(() => undefined);
  }
  if ('fail' in step) throw new RequestError(step.fail.code, step.fail.message, step.fail.data);
  if ('exit' in step) process.exit(step.exit);
}

function untilCanceled(): Promise<void> {
  return new Promise((resolve) => {
    const beat = setInterval(() => undefined, 1_000);
    const end = (): void => {
      clearInterval(beat);
      resolve();
    };
    if (canceled.signal.aborted) end();
    else canceled.signal.addEventListener('abort', end, { once: true });
  });
}
