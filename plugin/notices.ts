import { Notice, type Plugin } from 'obsidian';
import type { BoardJob } from '../shared/protocol/board.ts';
import type { WireEvent } from '../shared/protocol/wire.ts';
import { noticeOf, type NoticeKind } from '../shared/view-model/notices.ts';
import type { ViewHost } from '../shared/view/host.ts';
import type { RunnerConnection } from './connection/runner-connection.ts';
import type { Settings } from './stored-settings.ts';

export interface NoticeOptions {
  readonly plugin: Plugin;
  readonly connection: Pick<RunnerConnection, 'state' | 'onChange' | 'onEvent'>;
  readonly host: ViewHost;
  readonly settings: () => Settings;
}

/** After so long without a runner it is said, once. */
const missedAfterMs = 15_000;
/** What comes together is told together. */
const gatherMs = 250;

/** Tells of what a person should know who looks at something else; everything else is in the sidebar. */
export function tellOfEvents({ plugin, connection, host, settings }: NoticeOptions): void {
  const gathered = new Map<NoticeKind, Map<string, Told>>();
  let timer: number | null = null;

  const tellGathered = (): void => {
    timer = null;
    for (const [kind, told] of gathered) tell(host, kind, [...told.values()]);
    gathered.clear();
  };
  const take = (event: WireEvent): void => {
    const job = event.job ?? (event.jobId === null ? undefined : connection.state().jobs.get(event.jobId)) ?? null;
    const notice = noticeOf(event, job);
    if (!notice || !job || !settings()[settingOf[notice.kind]]) return;
    const told = gathered.get(notice.kind) ?? new Map<string, Told>();
    gathered.set(notice.kind, told.set(job.job, { sentence: notice.sentence, job }));
    timer ??= window.setTimeout(tellGathered, gatherMs);
  };
  plugin.register(connection.onEvent(take));
  plugin.register(watchForDeath({ connection, host, isWanted: () => settings().noticeDeadRunner }));
  plugin.register(() => {
    if (timer !== null) window.clearTimeout(timer);
  });
}

interface Told {
  readonly sentence: string;
  readonly job: BoardJob;
}

const settingOf = {
  decision: 'noticeDecisions',
  failure: 'noticeFailures',
  finished: 'noticeFinished',
  'dead-runner': 'noticeDeadRunner',
} as const satisfies Record<NoticeKind, keyof Settings>;

function tell(host: ViewHost, kind: NoticeKind, told: readonly Told[]): void {
  const [first] = told;
  if (!first) return;
  const { job, sentence } = first;
  if (told.length > 1) {
    show(`${told.length} jobs ${many[kind]}: ${told.map((each) => each.job.fr).join(', ')}.`, () => {
      host.openView('sidebar');
    });
    return;
  }
  show(sentence, () => {
    if (kind === 'finished') host.openNote?.(job.notePath);
    else if (kind === 'failure') host.openView('output', job.job);
    else if (/^(?:merge|ci)@/.test(job.gate ?? '')) host.openView('review', job.job);
    else host.openView('sidebar');
  });
}

const many: Readonly<Record<NoticeKind, string>> = {
  decision: 'ask for a decision',
  failure: 'failed or need a person',
  finished: 'are done',
  'dead-runner': 'cannot be seen',
};

function show(sentence: string, open: () => void): void {
  const notice = new Notice(sentence, 15_000);
  notice.messageEl.addEventListener('click', () => {
    notice.hide();
    open();
  });
}

interface DeathWatch {
  readonly connection: Pick<RunnerConnection, 'state' | 'onChange'>;
  readonly host: ViewHost;
  readonly isWanted: () => boolean;
}

function watchForDeath({ connection, host, isWanted }: DeathWatch): () => void {
  let timer: number | null = null;
  let isTold = false;
  const stop = (): void => {
    if (timer !== null) window.clearTimeout(timer);
    timer = null;
  };
  const tellOnce = (sentence: string): void => {
    stop();
    if (isTold) return;
    isTold = true;
    if (isWanted()) {
      show(sentence, () => {
        host.openView('sidebar');
      });
    }
  };
  const arm = (): void => {
    const due = Date.now() + missedAfterMs;
    timer = window.setTimeout(() => {
      timer = null;
      // The app slept meanwhile: the connection has a chance to come back first.
      if (Date.now() > due + 5_000) arm();
      else tellOnce('The runner has not been reached for 15 seconds. The sidebar says what to do.');
    }, missedAfterMs);
  };
  const look = (): void => {
    const { connection: now } = connection.state();
    if (now.kind === 'connected' || now.kind === 'unpaired') {
      isTold = false;
      stop();
    } else if (now.kind === 'refused') {
      tellOnce(now.sentence);
    } else if (timer === null && !isTold) {
      arm();
    }
  };
  const stopListening = connection.onChange(look);
  return () => {
    stopListening();
    stop();
  };
}
