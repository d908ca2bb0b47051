import { join } from 'node:path';
import type { AgentRequest } from '../../core/ports/agent.ts';
import { readResult, type AttemptPaths } from './attempt-contract.ts';
import { agentOf } from './command-failures.ts';
import { readHostileFile } from './result-file.ts';

/** It becomes the sentence at a gate, in a note and in messages. */
const longestQuestion = 4_000;

/** The agent knows no other way to a person. */
export function howToAsk(paths: AttemptPaths): string {
  return `If you cannot go on without an answer of the person who made the request, write the question to the file ${join(paths.out, 'question')} instead of a result and end: the answer comes with the next prompt.`;
}

/** What the agent asks a person: its `question` file, text or JSON, where it left no result. Null when it asks nothing. */
export async function readQuestion(request: AgentRequest, paths: AttemptPaths): Promise<string | null> {
  const text = await readHostileFile(join(paths.out, 'question'), `question of the ${agentOf(request)}`);
  const question = text === null ? '' : questionIn(text).trim().slice(0, longestQuestion);
  if (question === '' || (await readResult(request, paths)) !== null) return null;
  request.onEvent?.({ kind: 'question', question });
  return question;
}

function questionIn(text: string): string {
  try {
    const parsed = JSON.parse(text) as { question?: unknown } | null;
    if (typeof parsed === 'object' && typeof parsed?.question === 'string') return parsed.question;
  } catch {
    // Plain text is as good.
  }
  return text;
}
