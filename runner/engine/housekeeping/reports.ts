import { parseJobId } from '#shared/domain/ids.ts';
import { isFinished } from '#shared/domain/job.ts';
import type { RunReportNote } from '../../core/ports/vault.ts';
import { intactSeal } from '../report-seal.ts';
import { archivedReport } from './archived-job.ts';
import { addTo, type HistoryUpkeep } from './upkeep.ts';

const reportsAtOnce = 20;

/**
 * Moves the oldest run reports into the archive when there are more than `history.reports`: those of finished jobs that are
 * still exactly what the runner wrote. One that a person has edited stays, and so does one whose job number nothing else keeps.
 */
export async function removeOldReports(upkeep: HistoryUpkeep): Promise<never[]> {
  const { vault, clock, config, log } = upkeep.dependencies;
  // Elsewhere, or in a repository whose history is people's, a removed note would come back or wait for somebody to commit it.
  if (config.vault.writer !== 'runner' || config.vault.git !== null) return [];
  const reports = await vault.reports();
  let excess = reports.length - config.history.reports;
  let removed = 0;
  const candidates = reports.filter((report) => isOld(upkeep, report));
  while (excess > 0 && candidates.length > 0) {
    const found: { readonly path: string; readonly name: string; readonly text: string; readonly seal: string }[] = [];
    while (candidates.length > 0 && found.length < Math.min(excess, reportsAtOnce)) {
      const { path, name } = candidates.shift() ?? { path: '', name: '' };
      const text = await vault.readNote(path);
      const seal = text === null ? null : intactSeal(text);
      if (text !== null && seal !== null) found.push({ path, name, text, seal });
    }
    const at = clock.now();
    await addTo(
      upkeep,
      found.map(({ name, path, text, seal }) => archivedReport(name, { path, text, seal }, at)),
    );
    for (const { path, text } of found) {
      if (!(await vault.removeNote(path, text))) continue;
      excess -= 1;
      removed += 1;
    }
  }
  if (removed > 0)
    log.info(
      { reports: removed },
      `${removed === 1 ? 'A run report was' : `${removed} run reports were`} moved into the archive.`,
    );
  return [];
}

/** Numbers count on from the reports; where the registry knows the number to be taken, the report need not say so. */
function isOld({ dependencies: { registry } }: HistoryUpkeep, { name }: RunReportNote): boolean {
  const job = registry.job(name);
  if (job !== null) return isFinished(job.status);
  const parsed = parseJobId(name);
  return parsed !== null && registry.highestNumber(parsed.featureRequestId) >= parsed.number;
}
