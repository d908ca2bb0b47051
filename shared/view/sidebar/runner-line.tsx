import type { PauseLine, SidebarModel, SpendingLine } from '../../view-model/sidebar-model.ts';
import { ActionButton } from '../frame/action-button.tsx';
import { useHost } from '../frame/host-context.ts';
import { Icon } from '../frame/icon.tsx';
import { WithCode } from '../frame/with-code.tsx';

/** That everything is paused, and what else keeps the runner from its work. */
export function RunnerLine({ pause, problems }: Pick<SidebarModel, 'pause' | 'problems'>) {
  const host = useHost();
  return (
    <>
      {pause !== null && pause.sentence !== '' && (
        <div class="opus-note-box">
          <p class="opus-tone-warning">
            <Icon name="circle-pause" /> <span>{pause.sentence}</span>
          </p>
          {pause.mayResume && (
            <ActionButton
              label="Resume everything"
              icon="play"
              tone="main"
              needs="runner.resume"
              act={() => host.client.call('runner.resume', {})}
            />
          )}
        </div>
      )}
      {problems.length > 0 && (
        <ul class="opus-problems" aria-label="Problems of the runner">
          {problems.map((problem) => (
            <li key={problem} class="opus-tone-warning">
              <Icon name="triangle-alert" />
              <span>
                <WithCode text={problem} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

export function PauseEverything({ pause }: { readonly pause: PauseLine | null }) {
  const host = useHost();
  if (pause?.mayPause !== true || pause.mode !== 'no') return null;
  return (
    <ActionButton
      label="Pause everything"
      icon="pause"
      needs="runner.pause"
      act={() => host.client.call('runner.pause', {})}
    />
  );
}

export function Spending({ spending }: { readonly spending: SpendingLine | null }) {
  if (spending === null) return null;
  return (
    <div class="opus-spending">
      <p class="opus-tone-quiet">
        <Icon name="coins" /> <span>{spending.text}</span>
      </p>
      {spending.share !== null && (
        <meter class="opus-meter" aria-label="Spent of the budget of today" min={0} max={1} value={spending.share} />
      )}
      {spending.isSpent && (
        <p class="opus-tone-warning">
          <Icon name="triangle-alert" /> <span>The budget of today is spent: jobs are held until tomorrow.</span>
        </p>
      )}
    </div>
  );
}
