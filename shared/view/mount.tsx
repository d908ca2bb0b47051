import { render, type ComponentChildren } from 'preact';
import { Board, type BoardOptions } from './board/board.tsx';
import { JobCard } from './card/job-card.tsx';
import { JobList } from './card/job-list.tsx';
import { Frame } from './frame/frame.tsx';
import type { JobFilter } from '../view-model/job-query.ts';
import type { ViewHost } from './host.ts';
import type { ShownJob } from './job/find-job.ts';
import { Output } from './output/output.tsx';
import { Review } from './review/review.tsx';
import { Sidebar } from './sidebar/sidebar.tsx';
import { Trust } from './trust/trust.tsx';

function mount(element: HTMLElement, host: ViewHost, name: string, children: ComponentChildren): () => void {
  render(
    <Frame host={host} name={name}>
      {children}
    </Frame>,
    element,
  );
  return () => {
    render(null, element);
  };
}

/** Each draws a view into the element and returns how to take it away again. */
export function mountSidebar(element: HTMLElement, host: ViewHost): () => void {
  return mount(element, host, 'sidebar', <Sidebar />);
}

export function mountBoard(element: HTMLElement, host: ViewHost, options: BoardOptions = {}): () => void {
  return mount(element, host, 'board', <Board {...options} />);
}

export function mountOutput(element: HTMLElement, host: ViewHost, job: string): () => void {
  return mount(element, host, 'output', <Output key={job} job={job} />);
}

export function mountReview(element: HTMLElement, host: ViewHost, job: string): () => void {
  return mount(element, host, 'review', <Review key={job} job={job} />);
}

export function mountTrust(element: HTMLElement, host: ViewHost): () => void {
  return mount(element, host, 'trust', <Trust />);
}

/** Of a job, an FR's newest job, or the job of a pull request; it says so where there is none. */
export function mountJobCard(element: HTMLElement, host: ViewHost, shown: ShownJob): () => void {
  return mount(element, host, 'card-view', <JobCard {...shown} />);
}

export function mountJobList(element: HTMLElement, host: ViewHost, filter: JobFilter): () => void {
  return mount(element, host, 'list-view', <JobList filter={filter} />);
}
