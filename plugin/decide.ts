import type { BoardJob } from '../shared/protocol/board.ts';
import { decisionsAt } from '../shared/view/job/decisions.ts';
import type { DoableAction } from '../shared/view/job/act-on-job.ts';
import { gateOf } from '../shared/view-model/shown-gate.ts';

/** What may be decided about a job now, where nothing beside it shows what that is bound to: approving asks, too. */
export function decisionsOf(job: BoardJob): readonly DoableAction[] {
  const gate = gateOf(job);
  if (!gate) return [];
  return decisionsAt(job, gate).map((action) => {
    if (action.name !== 'approve') return action;
    const act: DoableAction['act'] = async (host) => {
      const sure = await host.confirm({
        title: `Approve ${job.fr}?`,
        text: `${job.title}\nThe decision is bound to ${gate.short}; if that is something else by then, it is refused.`,
        action: 'Approve',
        destructive: false,
      });
      if (sure) await action.act(host);
    };
    return { ...action, act };
  });
}
