import { createHash } from 'node:crypto';
import { OpusError } from '#shared/domain/errors.ts';
import type { ChangedCodeNote } from '#shared/protocol/review-documents.ts';
import type { JobDocument } from '#shared/domain/job.ts';
import { jobDocumentOf } from './core/reporting/job-document.ts';
import type { Job } from './core/ports/job-registry.ts';
import type { Actor } from './engine/application.ts';
import { changeOfJob } from './engine/job-change.ts';
import { commentOn } from './engine/job-comment.ts';
import type { NoteChange } from './engine/trust.ts';
import type { Caller, ServerApplication } from './server/server-application.ts';
import { loginName } from './login-name.ts';
import type { ServiceCalls } from './service-calls.ts';

export function reviewCalls(
  calls: ServiceCalls,
): Pick<
  ServerApplication,
  'job.diff' | 'job.comment' | 'question.answer' | 'trust.list' | 'trust.confirm' | 'approval.decide'
> {
  const { dependencies, application, supervisor, trust } = calls;
  const { registry, clock } = dependencies;
  const document = (job: Job): JobDocument => jobDocumentOf(registry, job, clock.now());

  return {
    'job.diff': async ({ job }) => await changeOfJob(dependencies, application.job(job)),
    'job.comment': async ({ job, ...said }, { caller }) =>
      document(await commentOn(application, application.job(job), said, actorOf(caller))),
    'approval.decide': async ({ job, kind, comment, gate, person, device }, { caller }) => {
      const { id } = application.job(job);
      return document(await application.decide(id, kind, comment, actorOf(caller, person, device), gate));
    },
    'question.answer': async ({ job, answer, gate }, { caller }) => {
      const asking = application.job(job);
      if (asking.gate?.kind !== 'question' && gate?.startsWith('question@') !== true) {
        throw new OpusError('registry.no-gate', `${asking.id} asks no question now.`, {
          hint: `opus job show ${asking.id} tells where it is.`,
        });
      }
      const shown = gate ?? `question@${asking.gate?.hash ?? ''}`;
      return document(await application.decide(asking.id, 'changes', answer, actorOf(caller), shown));
    },
    'trust.list': async () => ({ notes: (await trust.changes()).flatMap(waitingNote) }),
    'trust.confirm': async ({ shown }, { caller }) => {
      const changes = new Map((await trust.changes()).map((change) => [change.path, change]));
      const confirmed = [...new Map(shown.map((note) => [note.path, note])).values()].map(({ path, hash }) =>
        requireAsShown(changes.get(path), path, hash),
      );
      const moved = await trust.confirmShown(confirmed);
      if (moved !== null) throw changedMeanwhile(moved);
      const { person, device = null } = actorOf(caller);
      const paths = confirmed.map(({ path }) => path);
      if (paths.length > 0) {
        registry.commit(null, null, {
          events: [{ type: 'trust.confirmed', jobId: null, data: { paths, person, device } }],
        });
      }
      // What could not start for want of them starts at once.
      await supervisor.look();
      return { confirmed: confirmed.length };
    },
  };
}

/** A device speaks for its person; the command line of this machine for whom it names, or else for whom the runner runs as. */
function actorOf({ person, device, channel }: Caller, namedPerson?: string, namedDevice?: string): Actor {
  if (device !== null) return { person: person ?? device.name, channel, device: device.name };
  const said = namedPerson ?? person ?? loginName();
  return { person: said, channel, ...(namedDevice === undefined ? {} : { device: namedDevice }) };
}

function waitingNote(change: NoteChange): ChangedCodeNote[] {
  const { path, kind, state, before, after, problems } = change;
  if (state === 'confirmed') return [];
  return [
    { path, kind, state, before, after, hash: hashOf(after), problems: problems.map((problem) => ({ ...problem })) },
  ];
}

function requireAsShown(change: NoteChange | undefined, path: string, hash: string | null): NoteChange {
  if (change === undefined || change.state === 'confirmed') {
    throw new OpusError('config.untrusted', `${path} does not wait to be confirmed; nothing was confirmed.`, {
      hint: 'Look again at what waits.',
    });
  }
  if (hashOf(change.after) !== hash) throw changedMeanwhile(path);
  const [problem] = change.problems;
  if (problem !== undefined) {
    const message = `${path}:${problem.line} cannot take effect, so nothing was confirmed: ${problem.message}`;
    throw new OpusError('config.untrusted', message, { hint: problem.hint });
  }
  return change;
}

function changedMeanwhile(path: string): OpusError {
  return new OpusError('config.untrusted', `${path} was changed while you looked at it, so nothing was confirmed.`, {
    hint: 'Look at it again, then confirm what it says now.',
  });
}

function hashOf(text: string | null): string | null {
  return text === null ? null : createHash('sha256').update(text).digest('hex');
}
