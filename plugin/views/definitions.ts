import { mountBoard, mountOutput, mountReview, mountSidebar, mountTrust } from '../../shared/view/mount.tsx';
import type { Settings } from '../stored-settings.ts';
import type { Mount, ViewDefinition } from './item-views.ts';

export function viewDefinitions(settings: () => Settings): ViewDefinition[] {
  return [
    { name: 'sidebar', title: 'Runner', icon: 'workflow', isSide: true, mount: mountSidebar },
    {
      name: 'board',
      title: 'Triage board',
      icon: 'kanban',
      isSide: false,
      mount: (element, host) => mountBoard(element, host, { mode: settings().boardMode }),
    },
    { name: 'output', title: 'Live output', icon: 'terminal', isSide: false, mount: ofJob(mountOutput) },
    { name: 'review', title: 'Review', icon: 'file-diff', isSide: false, mount: ofJob(mountReview) },
    {
      name: 'trust',
      title: 'Changed agent and policy notes',
      icon: 'shield-question',
      isSide: false,
      mount: mountTrust,
    },
  ];
}

function ofJob(mount: (element: HTMLElement, host: Parameters<Mount>[1], job: string) => () => void): Mount {
  return (element, host, job) => {
    if (job !== null) return mount(element, host, job);
    element.createEl('p', { cls: 'opus-quiet', text: 'No job is chosen. Open this from a job in the sidebar.' });
    return () => {
      element.empty();
    };
  };
}
