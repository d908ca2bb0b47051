import { OpusError } from '#shared/domain/errors.ts';
import type { FeatureRequest } from '#shared/domain/feature-request.ts';
import { documentOf } from './fr-list.ts';
import { jobTable } from './job-table.ts';
import { plainLine, plainText } from './plain-text.ts';
import { printJson, type Terminal } from './terminal.ts';
import { workingProcess } from './working-process.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** One feature request as the runner reads it, with its jobs. */
export async function showFeatureRequest(terminal: Terminal, id: string, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, async (reader, located) => {
    const found = (await reader.featureRequests()).filter((candidate) => candidate.id === id);
    const [first] = found;
    if (!first) {
      throw new OpusError('vault.fr-not-found', `No note in the vault has the id ${id}.`, {
        hint: `${located.command('fr list')} names them; ${located.command('fr validate')} says what is wrong with others.`,
      });
    }
    if (options.json === true) {
      printJson(terminal, { ...documentOf(first), body: await reader.noteText(first.path) });
      return 0;
    }
    for (const featureRequest of found) {
      const text = await reader.noteText(featureRequest.path);
      for (const line of linesOf(terminal, featureRequest, text)) terminal.out(line);
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

function linesOf(terminal: Terminal, featureRequest: FeatureRequest, text: string): string[] {
  const facts = [
    ['note', featureRequest.path],
    ['status', featureRequest.status ?? ''],
    ['priority', featureRequest.priority],
    ['repo', featureRequest.repo ?? ''],
    ['depends on', featureRequest.dependsOn.join(', ')],
    ['agent', featureRequest.agent ?? ''],
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
