import { OpusError } from '#shared/domain/errors.ts';
import type { AgentRequest } from '../../core/ports/agent.ts';
import type { AttemptPaths } from './attempt-contract.ts';

/** Linux refuses one argument beyond 128 kB; a prompt that long goes by file. */
const longestArgument = 120_000;

/** What may stand in an agent note's `command`, by the placeholder's name. */
export function commandValues(
  configFolder: string,
  request: AgentRequest,
  paths: AttemptPaths,
): Readonly<Record<string, string>> {
  return {
    prompt_file: paths.prompt,
    prompt: request.prompt,
    worktree: request.tree.path,
    stage: request.stage,
    job: request.job,
    model: request.model,
    config_dir: configFolder,
  };
}

/** The note's command with its placeholders filled in, each within its argument; never through a shell. */
export function fillCommand(request: AgentRequest, values: Readonly<Record<string, string>>): [string, ...string[]] {
  const argv = request.profile.command.map((part) =>
    part.replace(/\{\{\s*([a-z_]+)\s*\}\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) {
        throw new OpusError(
          'vault.agent-invalid',
          `${request.profile.path}: the command uses ${whole}, which is not a placeholder.`,
          {
            hint: `Use one of ${Object.keys(values)
              .map((known) => `{{${known}}}`)
              .join(' ')}.`,
          },
        );
      }
      return value;
    }),
  );
  const tooLong = argv.find((part) => Buffer.byteLength(part) > longestArgument);
  if (tooLong !== undefined) {
    throw new OpusError(
      'vault.agent-invalid',
      `The prompt of ${request.job} is too long for one argument of ${request.profile.name}'s command.`,
      {
        hint: `Use {{prompt_file}} instead of {{prompt}} in ${request.profile.path}.`,
      },
    );
  }
  const [program, ...rest] = argv;
  if (program === undefined || program === '') {
    throw new OpusError('vault.agent-invalid', `${request.profile.path} names no command.`, {
      hint: 'Write command: [program, "{{prompt_file}}"].',
    });
  }
  return [program, ...rest];
}
