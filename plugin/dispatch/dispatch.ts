import { Notice, type App, type TAbstractFile, type TFile } from 'obsidian';
import { toOpusError } from '../../shared/domain/errors.ts';
import type { ExpectedCost } from '../../shared/domain/expected-cost.ts';
import type { FeatureRequest } from '../../shared/domain/feature-request.ts';
import { isFinished } from '../../shared/domain/job.ts';
import type { RunnerConnection } from '../connection/runner-connection.ts';
import { choose } from '../views/modals.ts';
import { errorsOf, type FeatureNotes } from './feature-notes.ts';
import { showProblems, type NoteProblems } from './problems-modal.ts';

export interface Dispatcher {
  /** Looks at the notes first; what is wrong is shown and keeps those notes back. Tells of everything itself. */
  dispatch(files: readonly TAbstractFile[]): Promise<void>;
  validate(file: TFile): Promise<void>;
}

export interface DispatcherOptions {
  readonly app: App;
  readonly connection: Pick<RunnerConnection, 'state' | 'call'>;
  readonly notes: FeatureNotes;
  readonly openNote: (path: string, line?: number) => void;
}

export function createDispatcher({ app, connection, notes, openNote }: DispatcherOptions): Dispatcher {
  const problemsOf = (featureRequest: FeatureRequest): NoteProblems => ({
    path: featureRequest.path,
    title: featureRequest.id === '' ? featureRequest.path : `${featureRequest.id} ${featureRequest.title}`,
    problems: featureRequest.problems,
  });
  const dispatchOne = async (featureRequest: FeatureRequest): Promise<string | null> => {
    const { id } = featureRequest;
    const unfinished = [...connection.state().jobs.values()].find((job) => job.fr === id && !isFinished(job.status));
    if (unfinished) {
      const again = await choose(app, {
        title: `Dispatch ${id} again?`,
        text: `${unfinished.job} is not finished (${unfinished.status}). Another job takes its place: its open pull request is superseded.`,
        actions: [{ action: 'Dispatch again', destructive: true, value: true }],
      });
      if (again === null) return null;
    }
    try {
      const job = await connection.call('fr.dispatch', { fr: id, again: unfinished !== undefined });
      const cost = job.expected ? costSentence(job.expected) : '';
      return `Dispatched ${id} as ${job.job}.${cost === '' ? '' : ` ${cost}`}`;
    } catch (thrown) {
      const { message, hint } = toOpusError(thrown);
      return `${id} was not dispatched: ${message}${hint === null ? '' : ` ${hint}`}`;
    }
  };
  return {
    async dispatch(files) {
      const read = await notes.validate(await notes.chosen(files));
      const broken = read.filter((featureRequest) => errorsOf(featureRequest).length > 0);
      if (broken.length > 0) showProblems(app, { notes: broken.map(problemsOf), openNote, isHeldBack: true });
      for (const featureRequest of read.filter((candidate) => !broken.includes(candidate))) {
        const sentence = await dispatchOne(featureRequest);
        if (sentence !== null) new Notice(sentence, 8_000);
      }
    },
    async validate(file) {
      const [read] = await notes.validate([file]);
      if (!read) return;
      if (read.problems.length === 0) new Notice(`${read.id} has no problems.`);
      else showProblems(app, { notes: [problemsOf(read)], openNote, isHeldBack: false });
    },
  };
}

export function costSentence({ dollars, jobs, budget }: ExpectedCost): string {
  const limit = budget.dollars === null ? '' : ` Its limit is $${budget.dollars.toFixed(2)}.`;
  if (dollars === null) return limit.trim();
  const range =
    dollars.low === dollars.high ? amount(dollars.low) : `${amount(dollars.low)} to ${amount(dollars.high)}`;
  return `It will probably cost ${range}, as ${jobs === 1 ? 'the job' : `${jobs} jobs`} before it did.${limit}`;
}

function amount(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}
