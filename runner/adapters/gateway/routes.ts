import type { ModelProtocol } from '../../core/ports/gateway.ts';

/** The four ways in which a model is asked and answers. */
export type Dialect = 'messages' | 'responses' | 'chat' | 'generate';

export interface Route {
  readonly dialect: Dialect;
  /** Whether a model answers: other calls list models and count tokens, and cost nothing. */
  readonly isModelCall: boolean;
  /** Below the endpoint's address, with the query. */
  readonly target: string;
  /** Where the path names it. */
  readonly model: string | null;
}

interface Rule {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  readonly dialect: Dialect;
  readonly isModelCall: boolean;
}

const rule = (method: Rule['method'], path: RegExp, dialect: Dialect, isModelCall = method === 'POST'): Rule => ({
  method,
  path,
  dialect,
  isModelCall,
});

// No segment of a path begins with a dot, so that none leads upwards.
const models = /^\/models(?:(?:\/|%2[Ff])[A-Za-z0-9][\w.:@-]*){0,4}$/;

const openai: readonly Rule[] = [
  rule('POST', /^\/responses(?:\/compact)?$/, 'responses'),
  rule('POST', /^\/responses\/input_tokens$/, 'responses', false),
  rule('POST', /^\/chat\/completions$/, 'chat'),
  rule('GET', models, 'chat'),
];

const rules: Readonly<Record<ModelProtocol, readonly Rule[]>> = {
  anthropic: [
    rule('POST', /^\/messages$/, 'messages'),
    rule('POST', /^\/messages\/count_tokens$/, 'messages', false),
    rule('GET', models, 'messages'),
  ],
  openai,
  'openai-compatible': openai,
  google: [
    rule('POST', /^\/models\/([A-Za-z0-9][\w.@-]*):(?:generateContent|streamGenerateContent)$/, 'generate'),
    rule('POST', /^\/models\/([A-Za-z0-9][\w.@-]*):countTokens$/, 'generate', false),
    rule('GET', models, 'generate'),
  ],
};

/** Agents put the version into the base address or into the path, as they like. */
const versions: Readonly<Record<ModelProtocol, RegExp>> = {
  anthropic: /^\/v1(?=\/)/,
  openai: /^\/v1(?=\/)/,
  'openai-compatible': /^\/v1(?=\/)/,
  google: /^\/v1(?:beta|alpha)?(?=\/)/,
};

/** Others could carry a credential, or ask for answers without the count of their tokens. */
const passedParameters = ['alt', 'beta', 'client_version', 'limit', 'after_id', 'before_id', 'pageSize', 'pageToken'];

/** Null for everything but the calls of models: those alone are passed on. */
export function routeOf(protocol: ModelProtocol, method: string, target: string): Route | null {
  const [path = '', query = ''] = target.split('?', 2);
  const version = versions[protocol].exec(path)?.[0] ?? '';
  const rest = path.slice(version.length);
  for (const { method: wanted, path: pattern, dialect, isModelCall } of rules[protocol]) {
    const match = method === wanted ? pattern.exec(rest) : null;
    if (match === null) continue;
    const asked = new URLSearchParams(query);
    const passed = new URLSearchParams([...asked].filter(([name]) => passedParameters.includes(name)));
    const versioned = protocol === 'google' ? `${version === '' ? '/v1beta' : version}${rest}` : rest;
    return {
      dialect,
      isModelCall,
      target: passed.size === 0 ? versioned : `${versioned}?${passed.toString()}`,
      model: dialect === 'generate' ? (match[1] ?? null) : null,
    };
  }
  return null;
}

/** How an endpoint speaks where nothing more is known. */
export function dialectOf(protocol: ModelProtocol): Dialect {
  return protocol === 'anthropic' ? 'messages' : protocol === 'google' ? 'generate' : 'chat';
}
