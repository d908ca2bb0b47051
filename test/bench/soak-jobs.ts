import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { featureRequestId } from './job-lab.ts';
import { notePath, type ServiceLab } from './service-lab.ts';
import type { ServiceSession } from './service-session.ts';

/** Notes that are worked on one after the other, again and again, so that the vault stays as large as it is. */
export const pool = 60;

/** Of each ten jobs one has a fix round; of sixty one fails once and is tried again, and one fails for good. */
export const soakScript = `say() { echo "$1" > "$OPUS_RESULT_FILE"; }
echo "$OPUS_STAGE of $OPUS_FR_ID begins"
case "$OPUS_STAGE.$OPUS_FR_ID.$OPUS_ROUND.$OPUS_ATTEMPT" in
  code.FR-013.*.1 | code.FR-037.*) echo "this agent fails" >&2; exit 1 ;;
esac
case "$OPUS_STAGE" in
  plan) say '{"summary":"One line more","steps":[{"title":"Add the line"}]}' ;;
  code) echo "$OPUS_JOB_ID $OPUS_ROUND" > notes.txt; say '{"summary":"Added the line"}' ;;
  *) case "$OPUS_FR_ID.$OPUS_ROUND" in
      *1.0) say '{"verdict":"fail","confidence":90,"summary":"No","issues":[{"severity":"major","message":"once more"}]}' ;;
      *) say '{"verdict":"pass","confidence":95,"summary":"Fine","issues":[]}' ;;
    esac ;;
esac
`;

export interface SoakJobs {
  /** Asks for the next job, unless two are at work already. */
  begin(): void;
  /** Answers what waits for a person. Returns how many jobs are not finished. */
  attend(): Promise<number>;
  editANote(): void;
  counts(): { readonly begun: number; readonly merged: number; readonly canceled: number };
}

export function createSoakJobs(lab: ServiceLab, session: ServiceSession): SoakJobs {
  const { client, registry } = session;
  const atWork = new Map<string, string | null>();
  let begun = 0;
  let merged = 0;
  let canceled = 0;
  let edits = 0;

  /** The gate's answer in the note, by somebody on another device. */
  function decideInNote(path: string): void {
    const file = join(lab.folder, 'vault', path);
    const text = readFileSync(file, 'utf8');
    const gate = /^gate: "?merge@(\w+)/m.exec(text)?.[1];
    const decision = `decision: approve ${gate ?? ''}`;
    if (gate === undefined || text.includes(decision)) return;
    // The one for a gate before, which two jobs that change the same line come to, makes way.
    writeFileSync(file, text.replace(/^decision: .*\n/m, '').replace('\ntags:', `\n${decision}\ntags:`));
  }

  return {
    begin() {
      if (atWork.size >= 2) return;
      const number = 1 + (begun % pool);
      atWork.set(featureRequestId(number), registry.newestJobOf(featureRequestId(number))?.id ?? null);
      lab.save(number, { status: 'planned' });
      begun += 1;
    },
    async attend() {
      for (const [featureRequest, before] of atWork) {
        const job = registry.newestJobOf(featureRequest);
        if (job === null || job.id === before) continue;
        if (job.status === 'succeeded' || job.status === 'canceled' || job.status === 'failed') {
          if (job.status === 'succeeded') merged += 1;
          else canceled += 1;
          atWork.delete(featureRequest);
        } else if (job.waitingFor === 'approval') {
          if (featureRequest.endsWith('4')) decideInNote(job.notePath);
          else await client.call('approval.decide', { job: job.id, kind: 'approve', person: 'soak' });
        } else if (job.waitingFor === 'human') {
          await client.call('job.cancel', { job: job.id, reason: 'it failed, as it was made to' });
        }
      }
      return atWork.size;
    },
    editANote() {
      edits += 1;
      const number = 1 + ((edits * 7) % pool);
      if (atWork.has(featureRequestId(number))) return;
      const file = join(lab.folder, notePath(number));
      writeFileSync(file, readFileSync(file, 'utf8').replace(/(?:\nEdited .*\n)?$/, `\nEdited ${edits} times.\n`));
    },
    counts: () => ({ begun, merged, canceled }),
  };
}
