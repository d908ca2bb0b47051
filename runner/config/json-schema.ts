import * as z from 'zod/mini';
import { policySchema } from './policy-schema.ts';
import { configSchema } from './schema.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** JSON Schemas of what may be written in the two files, for editors. */
export function jsonSchemas(): { readonly config: JsonSchema; readonly policy: JsonSchema } {
  return {
    config: { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'opus.yml' },
    policy: { ...z.toJSONSchema(policySchema, { io: 'input' }), title: 'Policy of Opus Orchestrator' },
  };
}
