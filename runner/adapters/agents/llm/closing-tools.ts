import { tool, type ToolSet } from 'ai';
import * as z from 'zod/mini';
import { stageResults, type AgentStage } from '#shared/domain/stage.ts';

/** How a run came to its end by the model's own word. */
export interface Closing {
  result: { readonly value: unknown } | null;
  question: string | null;
}

export const submitTool = 'submit_result';

const questionSchema = z.object({ question: z.string().check(z.minLength(1), z.maxLength(5_000)) });

/** The two tools that end a run. */
export function createClosingTools(stage: AgentStage, closing: Closing): ToolSet {
  return {
    [submitTool]: tool({
      description: `Hands over the result of the ${stage} stage, when everything is done. It ends your work.`,
      inputSchema: stageResults[stage],
      execute: (value: unknown) => {
        closing.result ??= { value };
        return 'The result was taken.';
      },
    }),
    ask_human: tool({
      description:
        'Asks the person who made the request, when you cannot go on without an answer. It ends your work for now; the answer comes with the next message.',
      inputSchema: questionSchema,
      execute: ({ question }) => {
        closing.question ??= question;
        return 'The question was passed on. The answer comes with the next message.';
      },
    }),
  };
}
