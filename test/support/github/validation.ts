import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { describedGitHub, type Fields, type Operation } from './description.ts';

/** Tells what is wrong with a value by GitHub's description; nothing where it is right. */
export interface Validation {
  query(operation: Operation, query: URLSearchParams): readonly string[];
  requestBody(operation: Operation, body: unknown): readonly string[];
  response(operation: Operation, status: number, body: unknown): readonly string[];
  schema(schema: Fields, value: unknown): readonly string[];
}

const annotations = new Set(['description', 'title', 'example', 'examples', 'default', 'externalDocs', 'deprecated']);
const componentPrefix = '#/components/schemas/';
let shared: Validation | null = null;

/** Schemas are compiled when first needed, and once a process. */
export function sharedValidation(): Validation {
  shared ??= createValidation();
  return shared;
}

function createValidation(): Validation {
  const ajv = create(false);
  const coercing = create(true);
  const compiled = new WeakMap<Fields, ValidateFunction>();
  const added = new Map<Ajv, Set<string>>([
    [ajv, new Set()],
    [coercing, new Set()],
  ]);

  function compile(compiler: Ajv, schema: Fields): ValidateFunction {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const made = compiler.compile(
      adapted(schema, (name) => {
        add(compiler, name);
      }) as Fields,
    );
    compiled.set(schema, made);
    return made;
  }

  function add(compiler: Ajv, name: string): void {
    const names = added.get(compiler);
    if (names === undefined || names.has(name)) return;
    names.add(name);
    const component = describedGitHub().component(name);
    compiler.addSchema(
      adapted(component, (inner) => {
        add(compiler, inner);
      }) as Fields,
      `gh:${name}`,
    );
  }

  function check(compiler: Ajv, schema: Fields, value: unknown): readonly string[] {
    const validate = compile(compiler, schema);
    return validate(value) ? [] : (validate.errors ?? []).slice(0, 8).map(told);
  }

  return {
    query(operation, query) {
      const described = operation.parameters.filter((parameter) => parameter.in === 'query');
      const names = new Set(described.map((parameter) => parameter.name));
      const unknown = [...query.keys()].filter((name) => !names.has(name)).map((name) => `${name} is not described`);
      return described.reduce<readonly string[]>((problems, { name, required, schema }) => {
        const value = query.get(name);
        if (value === null) return required === true ? [...problems, `${name} is required`] : problems;
        if (schema === undefined) return problems;
        const wrapped = wrappedSchema(schema);
        return [...problems, ...check(coercing, wrapped, { value }).map((problem) => `${name}: ${problem}`)];
      }, unknown);
    },
    requestBody(operation, body) {
      if (operation.requestSchema === null) return body === undefined ? [] : ['takes no body'];
      return [
        ...check(ajv, operation.requestSchema, body ?? {}),
        ...undescribed(describedGitHub().dereference(operation.requestSchema), body),
      ];
    },
    response(operation, status, body) {
      const schema = operation.responses.get(status);
      if (schema === undefined) return [`the status ${status} is not described`];
      return schema === null ? [] : check(ajv, schema, body);
    },
    schema: (schema, value) => check(ajv, schema, value),
  };
}

const wrappers = new WeakMap<Fields, Fields>();

/** Coercion replaces a value in its holder, so that there must be one. */
function wrappedSchema(schema: Fields): Fields {
  const known = wrappers.get(schema) ?? { type: 'object', properties: { value: schema } };
  wrappers.set(schema, known);
  return known;
}

/** GitHub takes and ignores them; here they are somebody's mistake. */
function undescribed(schema: Fields, body: unknown): string[] {
  const properties = schema['properties'] as Fields | undefined;
  if (properties === undefined || body === undefined || schema['additionalProperties'] !== undefined) return [];
  if (['oneOf', 'anyOf', 'allOf'].some((word) => schema[word] !== undefined)) return [];
  return Object.keys(body as Fields)
    .filter((name) => !(name in properties))
    .map((name) => `/${name} is not described`);
}

function create(coerceTypes: boolean): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, inlineRefs: false, coerceTypes });
  addFormats.default(ajv);
  return ajv;
}

function told(error: ErrorObject): string {
  const allowed = (error.params as { allowedValues?: unknown[] }).allowedValues;
  return `${error.instancePath} ${error.message ?? error.keyword}${allowed ? ` (${allowed.join(', ')})` : ''}`.trim();
}

/** From the description's OpenAPI 3.0 to JSON Schema: `nullable` becomes a type, references become names for ajv. */
function adapted(schema: unknown, refer: (name: string) => void): unknown {
  if (Array.isArray(schema)) return schema.map((item) => adapted(item, refer));
  if (typeof schema !== 'object' || schema === null) return schema;
  const result: Fields = {};
  for (const [key, value] of Object.entries(schema)) {
    if (annotations.has(key) || key.startsWith('x-')) continue;
    if (key === '$ref' && typeof value === 'string') {
      const name = value.slice(componentPrefix.length);
      refer(name);
      result['$ref'] = `gh:${name}`;
    } else if (key === 'properties') {
      const properties = Object.entries(value as Fields);
      result[key] = Object.fromEntries(properties.map(([name, property]) => [name, adapted(property, refer)]));
    } else result[key] = key === 'enum' || key === 'required' ? (value as unknown) : adapted(value, refer);
  }
  return result['nullable'] === true ? withNull(result) : result;
}

function withNull({ nullable: _nullable, ...schema }: Fields): Fields {
  return { anyOf: [schema, { type: 'null' }] };
}
