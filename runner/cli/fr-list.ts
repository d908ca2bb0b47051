import type { FeatureRequest, FeatureRequestDocument } from '#shared/domain/feature-request.ts';
import { tableLines, type Cell } from './tables.ts';
import { printJson, type Terminal } from './terminal.ts';
import { withReader, type ReadOptions } from './with-reader.ts';

/** Every feature request of the vault, broken ones included. */
export async function listFeatureRequests(terminal: Terminal, options: ReadOptions): Promise<number> {
  return await withReader(terminal, options, async (reader, located) => {
    const featureRequests = (await reader.featureRequests()).sort(byIdThenPath);
    if (options.json === true) {
      printJson(terminal, featureRequests.map(documentOf));
      return 0;
    }
    if (featureRequests.length === 0) {
      terminal.out(`There are no feature requests yet. Write one with: ${located.command('fr new "Title"')}`);
      return 0;
    }
    const rows = featureRequests.map((featureRequest): Cell[] => {
      const errors = featureRequest.problems.filter((problem) => problem.severity === 'error').length;
      return [
        featureRequest.id === '' ? '—' : featureRequest.id,
        featureRequest.status ?? '—',
        featureRequest.priority,
        featureRequest.dependsOn.join(' '),
        errors === 0 ? '' : [String(errors), (text) => terminal.paint('out', 'red', text)],
        featureRequest.title,
        featureRequest.path,
      ];
    });
    const head = ['ID', 'STATUS', 'PRIORITY', 'DEPENDS ON', 'ERRORS', 'TITLE', 'NOTE'];
    for (const line of tableLines(terminal, head, rows)) terminal.out(line);
    if (featureRequests.some(({ problems }) => problems.some(({ severity }) => severity === 'error'))) {
      terminal.out(`\nWhat is wrong: ${located.command('fr validate')}`);
    }
    return 0;
  });
}

export function documentOf(featureRequest: FeatureRequest): FeatureRequestDocument {
  const { id, title, status, priority, path, dependsOn, problems } = featureRequest;
  return {
    id,
    title,
    status,
    priority,
    path,
    dependsOn,
    problems: problems.map(({ code, message, line }) => ({ code, message, line })),
  };
}

function byIdThenPath(left: FeatureRequest, right: FeatureRequest): number {
  return left.id.localeCompare(right.id, 'en', { numeric: true }) || left.path.localeCompare(right.path);
}
