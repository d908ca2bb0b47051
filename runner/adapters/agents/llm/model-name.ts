import { OpusError, type ErrorCode } from '#shared/domain/errors.ts';
import type { ModelProtocol } from '../../../core/ports/gateway.ts';

/** The endpoints of opus.yml by name, as far as a driver needs them. */
export type ModelEndpoints = Readonly<Record<string, { readonly protocol: ModelProtocol }>>;

export interface ModelName {
  readonly endpoint: string;
  readonly model: string;
}

/** `endpoint/model`; the model's own name may hold slashes. `where` says who named it, `code` what that makes it. */
export function parseModelName(
  text: string,
  endpoints: ModelEndpoints,
  where: string,
  code: ErrorCode = 'vault.agent-invalid',
): ModelName {
  const names = Object.keys(endpoints);
  if (names.length === 0) {
    throw new OpusError(code, `${where} needs a model, and opus.yml names no endpoint of models.`, {
      hint: 'Write into opus.yml, for example: models: { anthropic: { key: env:ANTHROPIC_API_KEY } }',
    });
  }
  const known = `Endpoints in opus.yml: ${names.join(', ')}.`;
  const [, endpoint = '', model = ''] = /^([^/]+)\/(.+)$/s.exec(text.trim()) ?? [];
  if (endpoint === '' || model === '') {
    const what = text.trim() === '' ? 'names no model' : `names the model "${text}" without its endpoint`;
    throw new OpusError(code, `${where} ${what}.`, {
      hint: `Write it as endpoint/model, for example ${names[0] ?? 'anthropic'}/${text.trim() || 'a-model'}. ${known}`,
    });
  }
  if (!Object.hasOwn(endpoints, endpoint)) {
    throw new OpusError(code, `${where} names the endpoint "${endpoint}", which is not in opus.yml.`, {
      hint: `${known} Another is added there under models.`,
    });
  }
  return { endpoint, model };
}
