import { useId, useState } from 'preact/hooks';
import type { BoardJob } from '../../protocol/board.ts';
import { actionsOf, type JobActionName } from '../../view-model/job-actions.ts';
import { ActionButton, BusyGroup } from '../frame/action-button.tsx';
import { permits, useHost, useRunnerState } from '../frame/host-context.ts';
import { PlainButton } from '../frame/plain-button.tsx';
import type { ViewHost } from '../host.ts';
import { doableActions, type DoableAction } from './act-on-job.ts';
import { webAddress } from './web-address.ts';

export interface JobToolbarOptions {
  readonly job: BoardJob;
  /** Actions that stand on their own elsewhere in the row. */
  readonly without?: readonly JobActionName[];
}

const openIcons: Partial<Record<JobActionName, string>> = {
  'open-note': 'file-text',
  'open-report': 'scroll-text',
  'open-output': 'terminal',
  'open-review': 'file-diff',
  'open-pull-request': 'git-pull-request',
};

/** How a thing of the job is opened; null where it cannot be here. */
function openerOf(host: ViewHost, job: BoardJob, name: JobActionName): (() => void) | null {
  const { openNote } = host;
  switch (name) {
    case 'open-note':
      return openNote === null
        ? null
        : () => {
            openNote(job.notePath);
          };
    case 'open-report':
      return openNote === null
        ? null
        : () => {
            openNote(job.reportPath);
          };
    case 'open-output':
      return () => {
        host.openView('output', job.job);
      };
    case 'open-review':
      return () => {
        host.openView('review', job.job);
      };
    case 'open-pull-request': {
      const address = job.pr === null ? null : webAddress(job.pr.url);
      return address === null
        ? null
        : () => {
            host.openUrl(address);
          };
    }
    default:
      return null;
  }
}

/** Opens all that belongs to a job; what can be done about it unfolds below. */
export function JobToolbar({ job, without = [] }: JobToolbarOptions) {
  const host = useHost();
  const state = useRunnerState();
  const id = useId();
  const [more, setMore] = useState(false);
  const others = doableActions(job).filter(({ name, needs }) => !without.includes(name) && permits(state, needs));
  return (
    <div class="opus-tools">
      <div class="opus-toolbar" role="group" aria-label={`Open of ${job.job}`}>
        {actionsOf(job, state.hello?.role ?? null).map(({ name, label }) => {
          const open = openerOf(host, job, name);
          return (
            open !== null && (
              <PlainButton key={name} label={label} icon={openIcons[name] ?? 'file'} about={job.job} onPress={open} />
            )
          );
        })}
        {others.length > 0 && (
          <PlainButton
            label="More"
            icon="ellipsis"
            about={job.job}
            expanded={more}
            controls={`${id}-more`}
            onPress={() => {
              setMore(!more);
            }}
          />
        )}
      </div>
      {more && (
        <div class="opus-buttons" id={`${id}-more`}>
          <BusyGroup>
            {others.map((action) => (
              <JobActionButton key={action.name} job={job} action={action} />
            ))}
          </BusyGroup>
        </div>
      )}
    </div>
  );
}

export function JobActionButton({ job, action }: { readonly job: BoardJob; readonly action: DoableAction }) {
  const host = useHost();
  const { label, icon, tone, needs } = action;
  return (
    <ActionButton label={label} icon={icon} tone={tone} needs={needs} about={job.job} act={() => action.act(host)} />
  );
}
