import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Installed } from './installed.ts';
import { featureRequestId } from './job-lab.ts';
import { plainRow, type Row } from './measure.ts';
import { idleNotes, makeServiceLab, notePath } from './service-lab.ts';
import { until, withService } from './service-session.ts';

/** Fifty notes, ten of them with jobs that are queued for good, so that the service writes into them as well. */
export async function editRows(installed: Installed): Promise<Row[]> {
  const edits = 1_000;
  const notes = 50;
  const lab = makeServiceLab({ script: `exec sleep 1200`, concurrency: 1 });
  idleNotes(lab, notes);
  return withService(installed, lab, async (session) => {
    for (let number = 1; number <= 10; number += 1) lab.save(number, { status: 'planned' });
    const file = (number: number): string => join(lab.folder, notePath(number));
    const last = new Map<number, string>();
    const began = performance.now();
    for (let edit = 0; edit < edits; edit += 1) {
      const number = 1 + ((edit * 17) % notes);
      const title = `Revision ${edit}`;
      // As an editor does it: everything else of the note stays as it is found.
      writeFileSync(file(number), readFileSync(file(number), 'utf8').replace(/^title: .*$/m, `title: "${title}"`));
      last.set(number, title);
      await pause(0);
    }
    const edited = performance.now() - began;
    const known = async (): Promise<true | null> => {
      const { featureRequests } = await session.client.call('board.get', {});
      const titles = new Map(featureRequests.map(({ id, title }) => [id, title]));
      return [...last].every(([number, title]) => titles.get(featureRequestId(number)) === title) ? true : null;
    };
    await until(known, { what: 'the last state of all notes', everyMs: 20 });
    const took = performance.now() - began - edited;
    await until(() => (session.registry.outbox().length === 0 ? true : null), { what: 'the write-back' });
    const jobs = session.registry.jobs({ finished: false });
    const lost = [...last].filter(([number, title]) => {
      const job = jobs.find(({ featureRequestId: id }) => id === featureRequestId(number));
      return !readFileSync(file(number), 'utf8').includes(`title: "${title}"`) || (job && job.title !== title);
    });
    const missing = jobs.length === 10 ? 0 : 1;
    const note = `made in ${(edited / 1_000).toFixed(1)} s while the service wrote into ten of the ${notes}`;
    return [
      plainRow(`${edits} rapid note edits: notes whose last state was lost`, 'notes', lost.length + missing, 0, note),
      plainRow('and from the last edit until the service knew all', 'ms', took, null),
    ];
  });
}
