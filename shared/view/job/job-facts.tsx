import type { BoardJob } from '../../protocol/board.ts';
import { jobFacts, type JobFact } from '../../view-model/job-card-model.ts';
import { Icon } from '../frame/icon.tsx';

const toneIcons: Readonly<Record<JobFact['tone'], string>> = {
  good: 'circle-check',
  bad: 'circle-x',
  warning: 'shield-alert',
  quiet: 'circle-dashed',
};
const ownIcons: Partial<Record<JobFact['name'], string>> = { size: 'file-diff', cost: 'coins' };

/** What a decision rests on: tests, review, checks, size and cost. */
export function JobFacts({ job }: { readonly job: BoardJob }) {
  const facts = jobFacts(job);
  if (facts.length === 0) return null;
  return (
    <ul class="opus-facts">
      {facts.map(({ name, text, tone }) => (
        <li key={`${name} ${text}`} class={`opus-fact opus-tone-${tone}`}>
          <Icon name={ownIcons[name] ?? toneIcons[tone]} />
          <span>{text}</span>
        </li>
      ))}
    </ul>
  );
}
