import { noteName } from '#shared/domain/note-link.ts';
import { readFrontmatter } from '#shared/frontmatter/read.ts';
import type { AgentProfile } from '../../core/ports/agent.ts';
import type { ParsedAgent } from '../../core/ports/vault.ts';
import { AgentNoteReader } from './agent-note-reader.ts';

const drivers = [
  'claude',
  'codex',
  'opencode',
  'gemini',
  'acp',
  'command',
  'llm',
] as const satisfies AgentProfile['driver'][];
/** Reads an agent note: properties into a profile, the body as its prompt template. */
export function parseAgentNote(path: string, text: string): ParsedAgent {
  const frontmatter = readFrontmatter(text);
  if (!frontmatter.block || frontmatter.problems.length > 0) return { kind: 'invalid', problems: frontmatter.problems };
  const note = new AgentNoteReader(frontmatter.entries);
  note.checkKeys();
  const template = frontmatter.body.replace(/^(?:[ \t]*\r?\n)+/, '');
  const driver = note.word('driver', drivers);
  const profile: AgentProfile & { readonly tools: readonly string[] } = {
    name: noteName(path),
    path,
    stages: note.stages(),
    driver: driver ?? 'command',
    command: note.command(driver ?? null),
    model: note.model(),
    timeoutMs: note.duration('timeout'),
    stallMs: note.duration('stall'),
    concurrency: note.wholeNumber('concurrency'),
    endpoints: note.list(
      'endpoints',
      /^[A-Za-z][\w.-]*$/,
      'Write names under `models` in opus.yml, as in `[anthropic]`.',
    ),
    tools: note.list('tools', /\S/, 'Write a list of tool names, as in `[Read, Edit]`.'),
    reads: note.list('reads', /^(?:~|\/|~\/.+|\/.+)$/, 'Write absolute paths, or paths that begin with `~/`.'),
    network: note.list('network', hostName, 'Write host names, as in `[api.example.com]`.'),
    env: note.list(
      'env',
      /^[A-Za-z_][A-Za-z0-9_]*$/,
      'Write the names of environment variables, as in `[CI]`; never their values.',
    ),
    skills: note.list('skills', /\S/, 'Write a list of names, as in `[gh]`.'),
    constraints: note.constraints(),
    match: note.match(),
    ...note.credentials(driver),
    ...(note.onlyNamed() ? { onlyNamed: true } : {}),
    template,
  };
  if (template.trim() === '' && driver !== null && driver !== 'command') {
    note.report('The note has no prompt.', 'Write the prompt below the properties.', 1);
  }
  if (driver === 'codex' && profile.tools.length > 0) {
    note.reportKey('tools', 'Codex takes no list of tools.', 'Leave `tools` out; the sandbox confines what it does.');
  }
  if (note.problems.length === 0) return { kind: 'agent', profile };
  return { kind: 'invalid', problems: note.problems.toSorted((a, b) => a.line - b.line) };
}

const hostName =
  /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::\d{1,5})?$/;
