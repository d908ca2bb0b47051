import { Notice, type Command, type Plugin, type TFile } from 'obsidian';
import type { MethodName } from '../shared/protocol/methods.ts';
import type { BoardJob } from '../shared/protocol/board.ts';
import type { ViewHost, ViewName } from '../shared/view/host.ts';
import { permits } from '../shared/view/frame/host-context.ts';
import { doableActions, type DoableAction } from '../shared/view/job/act-on-job.ts';
import { sentenceOf, type PairingActions } from './connection/pairing.ts';
import { jobOfNote } from './current-job.ts';
import { decisionsOf } from './decide.ts';
import { createNewNote } from './dispatch/new-note.ts';
import type { Dispatcher } from './dispatch/dispatch.ts';
import type { FeatureNotes } from './dispatch/feature-notes.ts';
import type { Settings } from './stored-settings.ts';

export interface CommandOptions {
  readonly plugin: Plugin;
  readonly host: ViewHost;
  readonly notes: FeatureNotes;
  readonly dispatcher: Dispatcher;
  readonly pairing: PairingActions;
  readonly settings: () => Settings;
}

/** Everything that can be clicked anywhere is here too; what concerns a note's job is offered only where it can be done. */
export function registerCommands({ plugin, host, notes, dispatcher, pairing, settings }: CommandOptions): void {
  const { app } = plugin;
  const state = (): ReturnType<ViewHost['client']['state']> => host.client.state();
  const add = (id: string, name: string, icon: string, run: Pick<Command, 'callback' | 'checkCallback'>): void => {
    plugin.addCommand({ id, name, icon, ...run });
  };
  const open = (id: string, name: string, icon: string, view: ViewName): void => {
    add(id, name, icon, {
      callback: () => {
        host.openView(view);
      },
    });
  };
  /** Offered where `find` finds something. */
  const where = <Found>(find: () => Found | null, run: (found: Found) => unknown): Pick<Command, 'checkCallback'> => ({
    checkCallback(isChecking) {
      const found = find();
      if (found === null) return false;
      if (!isChecking) run(found);
      return true;
    },
  });
  const currentJob = (): BoardJob | null => {
    const file = app.workspace.getActiveFile();
    return file ? jobOfNote(state(), file.path) : null;
  };
  const currentRequest = (): TFile | null => {
    const file = app.workspace.getActiveFile();
    return file && notes.within([file]).length > 0 ? file : null;
  };
  const act = async (action: DoableAction): Promise<void> => {
    try {
      await action.act(host);
    } catch (thrown) {
      host.tell(sentenceOf(thrown));
    }
  };
  const available =
    (actions: (job: BoardJob) => readonly DoableAction[], name: DoableAction['name']) => (): DoableAction | null => {
      const job = currentJob();
      const found = job && actions(job).find((action) => action.name === name);
      return found && permits(state(), found.needs) ? found : null;
    };
  const call = (
    method: 'runner.pause' | 'runner.resume' | 'runner.drain',
    done: string,
  ): Pick<Command, 'checkCallback'> =>
    where(
      () => (mayAsk(method) ? method : null),
      async () => {
        try {
          await host.client.call(method, {});
          host.tell(done);
        } catch (thrown) {
          host.tell(sentenceOf(thrown));
        }
      },
    );
  const mayAsk = (method: MethodName): boolean => state().connection.kind === 'connected' && permits(state(), method);

  open('open-sidebar', 'Open the sidebar', 'workflow', 'sidebar');
  open('open-board', 'Open the triage board', 'kanban', 'board');
  open('open-trust', 'Look at changed agent and policy notes', 'shield-question', 'trust');
  for (const [view, name, icon] of [
    ['output', 'Open the live output of this note’s job', 'terminal'],
    ['review', 'Review the changes of this note’s job', 'file-diff'],
  ] as const) {
    const run = where(currentJob, ({ job }) => {
      host.openView(view, job);
    });
    add(`open-${view}`, name, icon, run);
  }

  add(
    'dispatch',
    'Dispatch this FR',
    'rocket',
    where(currentRequest, (file) => dispatcher.dispatch([file])),
  );
  add(
    'validate',
    'Validate this FR',
    'list-checks',
    where(currentRequest, (file) => dispatcher.validate(file)),
  );
  add('new-request', 'New FR from the template', 'file-plus', {
    callback: () => void createNewNote({ app, settings: settings(), notes, known: state().featureRequests }),
  });

  for (const { id, action, name } of decisionCommands) {
    add(id, name, 'gavel', where(available(decisionsOf, action), act));
  }
  for (const { id, action, name } of jobCommands) {
    add(id, name, 'list-todo', where(available(doableActions, action), act));
  }

  add('pause-all', 'Pause everything', 'pause', call('runner.pause', 'Everything is paused; nothing new is started.'));
  add('resume-all', 'Resume everything', 'play', call('runner.resume', 'Everything goes on.'));
  add('drain', 'Start nothing new and let what runs end', 'log-out', call('runner.drain', 'Nothing new is started.'));
  add('pair', 'Pair this device with a runner', 'link', { callback: () => void pairing.pairByForm() });
  add('test-connection', 'Test the connection', 'activity', {
    callback: async () => {
      new Notice(await pairing.test(), 10_000);
    },
  });
  add('copy-pairing-help', 'Copy how to pair a device', 'copy', {
    callback: async () => {
      await host.copy(pairingHelp);
      host.tell('Copied how to pair a device.');
    },
  });
}

const decisionCommands = [
  { action: 'approve', id: 'approve', name: 'Approve what this note’s job asks' },
  { action: 'changes', id: 'request-changes', name: 'Request changes to this note’s job' },
  { action: 'reject', id: 'reject', name: 'Reject this note’s job' },
  { action: 'answer', id: 'answer', name: 'Answer the question of this note’s job' },
] as const;

const jobCommands = [
  { action: 'retry', id: 'retry', name: 'Retry this note’s job' },
  { action: 'pause', id: 'pause', name: 'Pause this note’s job' },
  { action: 'resume', id: 'resume', name: 'Resume this note’s job' },
  { action: 'unblock', id: 'unblock', name: 'Start this note’s job without waiting' },
  { action: 'cancel', id: 'cancel', name: 'Cancel this note’s job' },
  { action: 'revert', id: 'revert', name: 'Revert what this note’s job merged' },
] as const;

const pairingHelp = `To pair a device with the runner:
1. On the runner's machine, in the folder of opus.yml: opus pair
   (opus pair --role viewer, operator, approver or admin says what the device may do)
2. Open the link it prints on the device, or scan the QR code with it.
   Where links do not open: settings, Opus Orchestrator, Pair, and paste the link.
The code is good for ten minutes and for one device.
To end it: opus devices list, then opus devices revoke DEVICE`;
