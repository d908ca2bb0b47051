import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export type Fields = Record<string, unknown>;

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: Fields;
}

/** One operation of GitHub's REST interface, as its OpenAPI description has it. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestSchema: Fields | null;
  /** A status with no JSON body has null. */
  readonly responses: ReadonlyMap<number, Fields | null>;
}

export interface Description {
  match(method: string, path: string): { readonly operation: Operation; readonly values: readonly string[] } | null;
  dereference(schema: Fields): Fields;
  component(name: string): Fields;
  /** What a delivery of `event` with `action` has as its body; null where GitHub has no such event. */
  webhookSchema(event: string, action: string | null): Fields | null;
}

interface Document {
  readonly paths: Record<string, Record<string, Fields>>;
  readonly 'x-webhooks': Record<string, { readonly post: Fields }>;
  readonly components: Record<string, Record<string, Fields>>;
}

const prefix = '#/components/';
let loaded: Description | null = null;

/** Read at first use and once a process: it has 13 MB. */
export function describedGitHub(): Description {
  loaded ??= load();
  return loaded;
}

function load(): Description {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json');
  const document = JSON.parse(readFileSync(file, 'utf8')) as Document;
  const patterns = Object.keys(document.paths)
    .map((path) => ({
      path,
      pattern: patternOf(path),
      literals: path.split('/').filter((part) => !part.startsWith('{')),
    }))
    .sort((left, right) => right.literals.length - left.literals.length);
  const operations = new Map<string, Operation>();

  function dereference(schema: Fields): Fields {
    let found = schema;
    while (typeof found['$ref'] === 'string') {
      const [kind = '', name = ''] = found['$ref'].slice(prefix.length).split('/');
      const next = document.components[kind]?.[name];
      if (next === undefined) throw new Error(`The description has no ${found['$ref']}.`);
      found = next;
    }
    return found;
  }

  function jsonSchema(holder: unknown): Fields | null {
    if (holder === undefined) return null;
    const content = dereference(holder as Fields)['content'] as Record<string, { schema?: Fields }> | undefined;
    return content?.['application/json']?.schema ?? null;
  }

  function read(path: string, method: string, pattern: RegExp): Operation | null {
    const item = document.paths[path]?.[method];
    if (item === undefined) return null;
    const responses = Object.entries(item['responses'] as Record<string, Fields>);
    return {
      id: item['operationId'] as string,
      method,
      path,
      pattern,
      names: [...path.matchAll(/\{([^}]+)\}/g)].map((found) => found[1] ?? ''),
      parameters: ((item['parameters'] ?? []) as Fields[]).map(
        (parameter) => dereference(parameter) as unknown as Parameter,
      ),
      requestSchema: jsonSchema(item['requestBody']),
      responses: new Map(responses.map(([status, response]) => [Number(status), jsonSchema(response)])),
    };
  }

  return {
    match(method, path) {
      for (const { path: described, pattern } of patterns) {
        const found = pattern.exec(path);
        if (found === null) continue;
        const key = `${method} ${described}`;
        const operation = operations.get(key) ?? read(described, method, pattern);
        if (operation === null) continue;
        operations.set(key, operation);
        return { operation, values: found.slice(1).map((value) => decodeURIComponent(value)) };
      }
      return null;
    },
    dereference,
    component: (name) => dereference({ $ref: `${prefix}schemas/${name}` }),
    webhookSchema(event, action) {
      const name = (action === null ? event : `${event}-${action}`).replaceAll('_', '-');
      return jsonSchema(document['x-webhooks'][name]?.post['requestBody']);
    },
  };
}

function patternOf(path: string): RegExp {
  const escaped = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  // A file's path and a ref's name have slashes of their own.
  const source = escaped.replace(/\{(path|ref)\}$/, '(.+)').replace(/\{[^}]+\}/g, '([^/]+)');
  return new RegExp(`^${source}$`);
}
