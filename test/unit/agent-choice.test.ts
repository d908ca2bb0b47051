import { describe, expect, it } from 'vitest';
import { selectAgent } from '../../runner/core/agents.ts';
import { parseAgentNote } from '../../runner/adapters/vault/agent-note.ts';
import type { AgentProfile } from '../../runner/core/ports/agent.ts';

function profile(name: string, ...lines: string[]): AgentProfile {
  const parsed = parseAgentNote(`agents/${name}.md`, `---\ndriver: claude\n${lines.join('\n')}\n---\nDo it.\n`);
  if (parsed.kind === 'invalid') throw new Error(parsed.problems[0]?.message);
  return parsed.profile;
}

const profiles = [
  profile('a-ready-one', 'stage: [plan, code, review]', 'only: named'),
  profile('coder', 'stage: code'),
  profile('matching', 'stage: code', 'match: "invoice"', 'only: named'),
  profile('reviewer', 'stage: review'),
];
const request = { agent: null, title: 'An invoice', body: '' };

describe('an agent that works only where it is named', () => {
  it('is not chosen by its place in the alphabet or by its pattern', () => {
    expect(selectAgent(profiles, 'code', request)?.name).toBe('coder');
    expect(selectAgent(profiles, 'plan', request)).toBeNull();
  });

  it('works in each of its stages for a request that names it, and in no other', () => {
    const naming = { ...request, agent: 'a-ready-one' };
    const chosen = (['plan', 'code', 'review'] as const).map((stage) => selectAgent(profiles, stage, naming)?.name);
    expect(chosen).toEqual(['a-ready-one', 'a-ready-one', 'a-ready-one']);
    expect(selectAgent(profiles, 'review', { ...request, agent: 'matching' })?.name).toBe('reviewer');
  });
});
