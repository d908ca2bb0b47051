import type { DecisionKind } from '../../domain/gate.ts';
import type { BoardJob } from '../../protocol/board.ts';
import type { ShownGate } from '../../view-model/shown-gate.ts';
import type { DoableAction } from './act-on-job.ts';

export type DecidedJob = Pick<BoardJob, 'job' | 'fr' | 'title' | 'question' | 'pr'>;

/** What may be decided at a gate; each is bound to the gate as it was shown. */
export function decisionsAt(job: DecidedJob, gate: ShownGate): readonly DoableAction[] {
  if (gate.kind === 'question') return [answer(job, gate), reject(job, gate)];
  const changes = gate.kind === 'budget' ? [] : [requestChanges(job, gate)];
  return [approve(job, gate), ...changes, reject(job, gate)];
}

function approve({ job }: DecidedJob, gate: ShownGate): DoableAction {
  return {
    name: 'approve',
    label: 'Approve',
    icon: 'check',
    needs: 'approval.decide',
    tone: 'main',
    act: (host) => host.client.call('approval.decide', decision(job, 'approve', '', gate)),
  };
}

function requestChanges(job: DecidedJob, gate: ShownGate): DoableAction {
  return {
    name: 'changes',
    label: 'Request changes',
    icon: 'message-square-plus',
    needs: 'approval.decide',
    tone: 'plain',
    async act(host) {
      const comment = await host.ask({
        title: `Request changes to ${job.fr}`,
        text: `${nameOf(job)} goes back to code with your comment. The decision is bound to ${gate.short}.`,
        label: 'What should change',
        action: 'Request changes',
        required: true,
        destructive: false,
      });
      if (comment !== null) await host.client.call('approval.decide', decision(job.job, 'changes', comment, gate));
    },
  };
}

function reject(job: DecidedJob, gate: ShownGate): DoableAction {
  return {
    name: 'reject',
    label: 'Reject',
    icon: 'x',
    needs: 'approval.decide',
    tone: 'danger',
    async act(host) {
      const closes = job.pr === null ? '' : ` and closes pull request #${job.pr.number}`;
      const comment = await host.ask({
        title: `Reject ${job.fr}?`,
        text: `This cancels the job of ${nameOf(job)}${closes}. The decision is bound to ${gate.short}.`,
        label: 'Why (kept with the decision)',
        action: 'Reject',
        required: false,
        destructive: true,
      });
      if (comment !== null) await host.client.call('approval.decide', decision(job.job, 'reject', comment, gate));
    },
  };
}

function answer(job: DecidedJob, gate: ShownGate): DoableAction {
  return {
    name: 'answer',
    label: 'Answer',
    icon: 'message-square',
    needs: 'question.answer',
    tone: 'main',
    async act(host) {
      const words = await host.ask({
        title: `Answer the question of ${job.fr}`,
        text: job.question ?? 'The agent waits for an answer.',
        label: 'Your answer',
        action: 'Answer',
        required: true,
        destructive: false,
      });
      if (words === null) return;
      await host.client.call('question.answer', { job: job.job, answer: words, gate: gate.full });
    },
  };
}

function decision(
  job: string,
  kind: DecisionKind,
  comment: string,
  gate: ShownGate,
): { readonly job: string; readonly kind: DecisionKind; readonly comment: string; readonly gate: string } {
  return { job, kind, comment, gate: gate.full };
}

function nameOf({ fr, title }: DecidedJob): string {
  return title === '' ? fr : `${fr} ${title}`;
}
