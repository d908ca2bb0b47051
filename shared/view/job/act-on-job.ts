import type { BoardJob } from '../../protocol/board.ts';
import type { MethodName } from '../../protocol/methods.ts';
import { actionsOf, type JobActionName } from '../../view-model/job-actions.ts';
import type { ViewHost } from '../host.ts';

/** Something that can be done about a job, with how it is done; what ends or undoes something asks first. */
export interface DoableAction {
  readonly name: JobActionName;
  readonly label: string;
  readonly icon: string;
  readonly needs: MethodName;
  readonly tone: 'main' | 'plain' | 'danger';
  act(host: ViewHost): Promise<unknown>;
}

/** What is neither a decision nor opens something. Roles are left to who shows it. */
export function doableActions(job: BoardJob): readonly DoableAction[] {
  return actionsOf(job, null).flatMap(({ name, label, method, isDestructive }) => {
    const deed = deeds[name];
    if (deed === undefined || method === null) return [];
    const tone = isDestructive ? ('danger' as const) : ('plain' as const);
    return [{ name, label, icon: deed.icon, needs: method, tone, act: (host: ViewHost) => deed.act(host, job) }];
  });
}

interface Deed {
  readonly icon: string;
  act(host: ViewHost, job: BoardJob): Promise<unknown>;
}

const deeds: Partial<Record<JobActionName, Deed>> = {
  retry: { icon: 'rotate-ccw', act: (host, { job }) => host.client.call('job.retry', { job }) },
  resume: { icon: 'play', act: (host, { job }) => host.client.call('job.resume', { job }) },
  pause: { icon: 'pause', act: (host, { job }) => host.client.call('job.pause', { job }) },
  unblock: { icon: 'fast-forward', act: (host, { job }) => host.client.call('job.unblock', { job }) },
  cancel: { icon: 'ban', act: cancel },
  revert: { icon: 'undo-2', act: revert },
};

async function cancel(host: ViewHost, { job, fr, title }: BoardJob): Promise<void> {
  const reason = await host.ask({
    title: `Cancel ${fr}?`,
    text: `The job of ${fr} ${title} ends. Its branch and its report are kept.`,
    label: 'Why',
    action: 'Cancel the job',
    required: false,
    destructive: true,
  });
  if (reason !== null) await host.client.call('job.cancel', { job, ...(reason === '' ? {} : { reason }) });
}

async function revert(host: ViewHost, { job, fr, title }: BoardJob): Promise<void> {
  const comment = await host.ask({
    title: `Revert ${fr}?`,
    text: `What the job of ${fr} ${title} merged is taken back by a change of its own.`,
    label: 'Why',
    action: 'Revert',
    required: false,
    destructive: true,
  });
  if (comment !== null) await host.client.call('job.revert', { job, comment });
}
