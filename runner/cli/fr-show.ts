import { OpusError } from '#shared/domain/errors.ts';
import { isDispatchable, type FeatureRequest } from '#shared/domain/feature-request.ts';
import { expectedText } from '../core/expected-cost.ts';
import { documentOf } from './fr-list.ts';
import { jobTable } from './job-table.ts';
import { plainLine, plainText } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';
import type { Reader } from '../compose-reader.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** One feature request as the runner reads it, with its jobs. */
export async function showFeatureRequest(terminal: Terminal, id: string, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, async (reader, located) => {
    const all = await reader.featureRequests();
    const found = all.filter((candidate) => candidate.id === id);
    const [first] = found;
    if (!first) {
      throw new OpusError('vault.fr-not-found', `No note in the vault has the id ${id}.`, {
        hint: `${located.command('fr list')} names them; ${located.command('fr validate')} says what is wrong with others.`,
      });
    }
    if (options.json === true) {
      const body = await reader.noteText(first.path);
      printJson(terminal, { ...documentOf(first), body, expected: await reader.expected(first, all) });
      return 0;
    }
    for (const featureRequest of found) {
      const text = await reader.noteText(featureRequest.path);
      const expected = expectedText(await reader.expected(featureRequest, all)) ?? 'not known yet';
      for (const line of linesOf(terminal, featureRequest, text, {
        expected,
        issue: issueText(reader.issueNews(featureRequest)),
      }))
        terminal.out(line);
    }
    const jobs = reader.jobs().filter((job) => job.featureRequestId === id);
    if (jobs.length > 0) {
      const documents = jobs.map((job) => reader.document(job.id));
      const isWorkedOn = workingProcess(located.config.data) !== null;
      terminal.out('');
      for (const line of jobTable(terminal, documents, isWorkedOn)) terminal.out(line);
    }
    return 0;
  });
}

function issueText(news: ReturnType<Reader['issueNews']>): string {
  if (news === null) return '';
  const { number, isEdited, isClosed } = news;
  return [`#${number}`, ...(isEdited ? ['edited since it was taken in'] : []), ...(isClosed ? ['closed'] : [])].join(
    ', ',
  );
}

function linesOf(
  terminal: Terminal,
  featureRequest: FeatureRequest,
  text: string,
  { expected, issue }: { readonly expected: string; readonly issue: string },
): string[] {
  const facts = [
    ['note', featureRequest.path],
    ['status', featureRequest.status ?? ''],
    ['priority', featureRequest.priority],
    ['repo', featureRequest.repo ?? ''],
    ['issue', issue],
    ['depends on', featureRequest.dependsOn.join(', ')],
    ['agent', featureRequest.agent ?? ''],
    ['expected', isDispatchable(featureRequest) ? expected : ''],
  ] as const;
  const problems = featureRequest.problems.flatMap(({ line, severity, message, hint }) => [
    terminal.paint(
      'out',
      severity === 'error' ? 'red' : 'yellow',
      `${severity} in line ${line}: ${plainLine(message)}`,
    ),
    `    ${plainLine(hint)}`,
  ]);
  const body = plainText(text).trim();
  return [
    `${terminal.paint('out', 'bold', featureRequest.id)}  ${plainLine(featureRequest.title)}`,
    ...facts.filter(([, value]) => value !== '').map(([name, value]) => `${name.padEnd(10)}  ${plainLine(value)}`),
    ...problems,
    ...(body === '' ? [] : ['', body]),
  ];
}
