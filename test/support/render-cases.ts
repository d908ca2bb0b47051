import { format, resolveConfig } from 'prettier';
import type { Case } from './run-case.ts';

const introduction = `# What happens when

Each row is a test: the whole product on a vault and a repository of its own, with agents written as a shell script and
in Python, in the real sandbox. The table is made from the tests (\`test/e2e/cases\`); after changing one, write it anew with
\`OPUS_WRITE_CASES=1 npm test -- test/e2e\`.

After each of them no process is left, the origin and the mirror are sound, the vault holds no temporary file, and in the
note nothing but the runner's own properties and \`status\` has changed. An ellipsis stands for a hash or a folder; \`waitingFor\`
follows the job's status where it waits. The exit code is that of the command; docs/command-line.md says what they mean.
`;

/** docs/cases.md, as it must read. */
export async function renderCases(
  groups: readonly { readonly title: string; readonly cases: readonly Case[] }[],
  file: string,
): Promise<string> {
  const sections = groups.map(({ title, cases }) => {
    const rows = cases.map(({ name, expected }) => {
      const { note, job, waitingFor, exit, code, sentence } = expected;
      return [name, note || '–', job || '–', waitingFor || '–', String(exit), code ? `\`${code}\`` : '–', sentence];
    });
    const head = ['case', 'note status', 'job status', 'waitingFor', 'exit', 'error code', 'what is said'];
    return [`## ${title}\n`, rowOf(head), rowOf(head.map(() => '---')), ...rows.map(rowOf)].join('\n');
  });
  return await format([introduction, ...sections].join('\n\n'), { ...(await resolveConfig(file)), filepath: file });
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
