import { tool, type ToolSet } from 'ai';
import * as z from 'zod/mini';
import { OpusError } from '#shared/domain/errors.ts';
import type { AgentRequest } from '../../../core/ports/agent.ts';
import { cappedText, longestOutput } from './capped-text.ts';
import { ToolProblem, type TreeFiles } from './tree-files.ts';

const readingTools = ['read_file', 'list_files', 'search'] as const;
const changingTools = ['write_file', 'edit_file', 'run_command'] as const;
const usualCommandSeconds = 120;
const longestCommandSeconds = 1_800;

const described = <Schema extends z.ZodMiniType>(schema: Schema, description: string): Schema =>
  schema.check(z.meta({ description }));

/** What goes into an environment has to be short. */
const short = z.string().check(z.maxLength(4_000));
const needed = z.string().check(z.minLength(1), z.maxLength(4_000));
const path = described(needed, 'Relative to the root of the repository.');

export interface FileToolOptions {
  readonly files: TreeFiles;
  readonly onChange: (path: string, change: 'added' | 'changed') => void;
}

/** What a stage's agent may use: reading where the tree is read-only, and of that what the note's `tools` leaves. */
export function allowedTools({ profile, treeMode }: AgentRequest): readonly string[] {
  const known: readonly string[] = [...readingTools, ...changingTools];
  const named = profile.tools ?? [];
  const unknown = named.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new OpusError(
      'vault.agent-invalid',
      `${profile.path} names tools that do not exist: ${unknown.join(', ')}.`,
      {
        hint: `Those of "driver: llm" are ${known.join(', ')}.`,
      },
    );
  }
  const offered: readonly string[] = treeMode === 'read-only' ? readingTools : known;
  return named.length === 0 ? offered : offered.filter((name) => named.includes(name));
}

export function createFileTools({ files, onChange }: FileToolOptions): ToolSet {
  return {
    read_file: tool({
      description: `Reads a text file, at most ${longestOutput.lines} lines at once.`,
      inputSchema: z.object({
        path,
        offset: z.optional(described(z.int().check(z.gte(1)), 'The first line to read, from 1.')),
        limit: z.optional(described(z.int().check(z.gte(1)), 'How many lines.')),
      }),
      execute: async ({ path, offset = 1, limit = longestOutput.lines }) =>
        linesOf(await files.read(path), offset, limit),
    }),
    list_files: tool({
      description: 'Lists files below a folder, without .git and node_modules.',
      inputSchema: z.object({
        path: z.optional(described(short, 'The folder; the root of the repository without it.')),
        pattern: z.optional(described(short, 'A glob of names, such as *.ts, or of paths, such as src/*.ts.')),
      }),
      execute: async ({ path = '.', pattern }) =>
        cappedText(await files.list(path, pattern ?? null), 'name a folder or a pattern') || 'No files.',
    }),
    search: tool({
      description: 'Searches text files for an extended regular expression; answers path:line:text.',
      inputSchema: z.object({
        pattern: needed,
        path: z.optional(described(short, 'A file or folder; the root of the repository without it.')),
        files: z.optional(described(short, 'A glob of the names to search in, such as *.ts.')),
        ignore_case: z.optional(z.boolean()),
      }),
      execute: async ({ pattern, path = '.', files: names, ignore_case = false }) => {
        const found = await files.search({ pattern, path, files: names ?? null, ignoreCase: ignore_case });
        return cappedText(found, 'search in fewer files or for something rarer') || 'Nothing found.';
      },
    }),
    write_file: tool({
      description: 'Writes a whole file, with its folders; what was in it is replaced.',
      inputSchema: z.object({ path, content: z.string() }),
      execute: async ({ path, content }) => {
        const change = await files.write(path, content);
        onChange(path, change);
        return `${path} was ${change}.`;
      },
    }),
    edit_file: tool({
      description: 'Replaces exact text in a file. old_text must stand there once, or replace_all be true.',
      inputSchema: z.object({
        path,
        old_text: described(z.string().check(z.minLength(1)), 'Exactly as in the file, with its indentation.'),
        new_text: z.string(),
        replace_all: z.optional(z.boolean()),
      }),
      execute: async ({ path, old_text, new_text, replace_all = false }) => {
        const edited = replaced(await files.read(path), { path, old_text, new_text, replace_all });
        onChange(path, await files.write(path, edited));
        return `${path} was changed.`;
      },
    }),
    run_command: tool({
      description: 'Runs a shell command in the repository. Nothing that it starts outlives it.',
      inputSchema: z.object({
        command: z.string().check(z.minLength(1), z.maxLength(30_000)),
        timeout_seconds: z.optional(
          described(z.int().check(z.gte(1), z.lte(longestCommandSeconds)), `${usualCommandSeconds} without it.`),
        ),
      }),
      execute: ({ command, timeout_seconds = usualCommandSeconds }) => files.command(command, timeout_seconds * 1_000),
    }),
  };
}

function linesOf(text: string, offset: number, limit: number): string {
  if (text === '') return '[The file is empty.]';
  const lines = text.replace(/\n$/, '').split('\n');
  if (offset > lines.length) throw new ToolProblem(`The file has ${lines.length} lines only.`);
  const until = Math.min(lines.length, offset - 1 + Math.min(limit, longestOutput.lines));
  const shown = cappedText(lines.slice(offset - 1, until).join('\n'), 'read the rest by offset and limit');
  return until < lines.length || offset > 1 ? `${shown}\n[lines ${offset} to ${until} of ${lines.length}]` : shown;
}

interface Replacement {
  readonly path: string;
  readonly old_text: string;
  readonly new_text: string;
  readonly replace_all: boolean;
}

function replaced(text: string, { path, old_text, new_text, replace_all }: Replacement): string {
  const parts = text.split(old_text);
  if (parts.length === 1) throw new ToolProblem(`old_text is not in ${path}. Read the file and copy it exactly.`);
  if (parts.length > 2 && !replace_all) {
    throw new ToolProblem(`old_text is ${parts.length - 1} times in ${path}. Take more lines, or set replace_all.`);
  }
  return parts.join(new_text);
}
