import { Platform, setIcon, setTooltip, type Plugin } from 'obsidian';
import type { RunnerState } from '../shared/view-model/runner-state.ts';
import type { RunnerConnection } from './connection/runner-connection.ts';

/** Whether the runner is there, what runs and how much waits for a person. A phone has no status bar. */
export function showStatus(
  plugin: Plugin,
  connection: Pick<RunnerConnection, 'state' | 'onChange'>,
  open: () => void,
): void {
  if (Platform.isMobile) return;
  const item = plugin.addStatusBarItem();
  item.addClass('opus-status', 'mod-clickable');
  item.setAttribute('role', 'button');
  item.setAttribute('tabindex', '0');
  const icon = item.createSpan({ cls: 'opus-status-icon' });
  const text = item.createSpan();
  let shown = '';
  const draw = (state: RunnerState): void => {
    const { icon: name, words, tooltip } = statusOf(state);
    if (shown === `${name} ${words}`) return;
    shown = `${name} ${words}`;
    item.toggleClass('opus-status-dead', name === 'unplug');
    setIcon(icon, name);
    text.setText(words);
    setTooltip(item, tooltip, { placement: 'top' });
  };
  plugin.registerDomEvent(item, 'click', open);
  plugin.registerDomEvent(item, 'keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    open();
  });
  plugin.register(connection.onChange(draw));
  draw(connection.state());
}

export function statusOf({ connection, jobs }: Pick<RunnerState, 'connection' | 'jobs'>): {
  readonly icon: string;
  readonly words: string;
  readonly tooltip: string;
} {
  const open = 'Open the runner sidebar';
  switch (connection.kind) {
    case 'unpaired':
      return { icon: 'unplug', words: 'No runner', tooltip: `No runner is paired. ${open}` };
    case 'connecting':
      return { icon: 'loader', words: 'Connecting', tooltip: open };
    case 'refused':
      return { icon: 'unplug', words: 'Runner refused', tooltip: `${connection.sentence} ${open}` };
    case 'lost':
      return { icon: 'unplug', words: 'Runner not there', tooltip: `The runner cannot be reached. ${open}` };
    case 'connected': {
      const all = [...jobs.values()];
      const running = all.filter(({ status }) => status === 'running').length;
      const asking = all.filter(({ status, gate }) => status === 'waiting' && gate !== null).length;
      const decisions = asking === 0 ? '' : `, ${asking} to decide`;
      return { icon: 'workflow', words: `${running} running${decisions}`, tooltip: `The runner is connected. ${open}` };
    }
  }
}
