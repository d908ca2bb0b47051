import { OpusError } from '#shared/domain/errors.ts';
import type { GatewayAccess, ModelProtocol } from '../../../core/ports/gateway.ts';
import { gatewayModel } from './gateway-model.ts';
import { failureSummary, providerFailure } from './model-failures.ts';
import type { ModelName } from './model-name.ts';
import { runModelStep } from './model-step.ts';

export interface AskModel {
  readonly gateway: GatewayAccess;
  readonly name: ModelName;
  readonly protocol: ModelProtocol;
  readonly prompt: string;
  /** Where the model is named, for errors. */
  readonly namedIn: string;
  readonly signal: AbortSignal;
  /** Text as it streams; must not throw. */
  readonly onText: (text: string) => void;
}

/** One prompt and one answer, without tools. Rejects with what kept the model from answering. */
export async function askModel(ask: AskModel): Promise<string> {
  const { gateway, name, prompt, signal } = ask;
  const model = await gatewayModel(gateway, name, ask.protocol);
  const messages = [{ role: 'user', content: prompt }] as const;
  const step = { model, messages, tools: {}, left: null, signal, onEvent: () => undefined, onText: ask.onText };
  const end = await runModelStep(step).catch((thrown: unknown) => {
    if (signal.aborted) throw new OpusError('agent.canceled', 'The question was given up.', { cause: thrown });
    const subject = { who: 'The model', model: name, namedIn: ask.namedIn, goOn: null };
    const { code, message, hint, until } = failureSummary(subject, providerFailure(thrown), gateway.refusal());
    throw new OpusError(code, message, {
      ...(hint === null ? {} : { hint }),
      ...(until === undefined ? {} : { until }),
      cause: thrown,
    });
  });
  if (end.finish === 'refused') {
    throw new OpusError('agent.failed', 'The model refused to answer because of the content.', {
      hint: 'Ask in other words, or another model.',
    });
  }
  return end.text;
}
