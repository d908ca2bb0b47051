import { field, listField } from './json-fields.ts';
import type { Dialect } from './routes.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Tools that the provider itself runs and that reach other hosts, or take files out, by how their type begins. */
const hostedTypes = /^(?:web_search|web_fetch|code_execution|code_interpreter|file_search|mcp)/;
const hostedKeys =
  /^(?:google_?search(?:_?retrieval)?|url_?context|code_?execution|google_?maps|file_?search|mcp_?servers)$/i;
const hostedOptions = ['mcp_servers', 'web_search_options', 'plugins'];

/**
 * The request without what would let an agent that has no network reach other hosts through the provider; the request
 * itself where nothing of it is in it.
 */
export function withoutHostedTools(asked: Fields, dialect: Dialect): Fields {
  const tools = listField(asked, 'tools');
  const kept = tools.flatMap((tool) => keptTool(tool, dialect));
  const isWhole = kept.length === tools.length && kept.every((tool, index) => tool === tools[index]);
  if (isWhole && !hostedOptions.some((name) => name in asked)) return asked;
  const rest = Object.entries(asked).filter(([name]) => !hostedOptions.includes(name) && name !== 'tools');
  return { ...Object.fromEntries(rest), ...(kept.length === 0 ? {} : { tools: kept }) };
}

function keptTool(tool: unknown, dialect: Dialect): unknown[] {
  if (dialect !== 'generate') {
    const type = field(tool, 'type');
    return typeof type === 'string' && hostedTypes.test(type) ? [] : [tool];
  }
  const entries = Object.entries((tool ?? {}) as Fields);
  const kept = entries.filter(([name]) => !hostedKeys.test(name));
  if (kept.length === entries.length) return [tool];
  return kept.length === 0 ? [] : [Object.fromEntries(kept)];
}
