import * as z from 'zod/mini';

export const agentStages = ['plan', 'code', 'test', 'review'] as const;
/** A stage that an agent may work in. */
export type AgentStage = (typeof agentStages)[number];

export const stages = [...agentStages, 'deliver', 'merge'] as const;
export type Stage = (typeof stages)[number];

const text = z.string().check(z.maxLength(200_000));
const line = z.string().check(z.minLength(1), z.maxLength(20_000));

export const planResult = z.object({
  summary: line,
  steps: z
    .array(z.object({ title: line, details: z.optional(text), files: z.optional(z.array(line)) }))
    .check(z.maxLength(200)),
  risks: z.optional(z.array(line)),
});
export type PlanResult = z.infer<typeof planResult>;

export const codeResult = z.object({
  summary: line,
  done: z.optional(z.array(line)),
  left: z.optional(z.array(line)),
});
export type CodeResult = z.infer<typeof codeResult>;

/** A test agent's word is advice; the gate is the command that the runner runs. */
export const testResult = z.object({ summary: line });
export type TestResult = z.infer<typeof testResult>;

export const severities = ['blocker', 'major', 'minor', 'nit'] as const;

export const reviewIssue = z.object({
  severity: z.enum(severities),
  message: line,
  file: z.optional(z.string().check(z.maxLength(4_096))),
  line: z.optional(z.int().check(z.gte(1))),
  rule: z.optional(z.string().check(z.maxLength(500))),
});
export type ReviewIssue = z.infer<typeof reviewIssue>;

export const reviewResult = z.object({
  verdict: z.enum(['pass', 'fail']),
  confidence: z.number().check(z.gte(0), z.lte(100)),
  summary: line,
  issues: z.array(reviewIssue).check(z.maxLength(1_000)),
});
export type ReviewResult = z.infer<typeof reviewResult>;

export const stageResults = { plan: planResult, code: codeResult, test: testResult, review: reviewResult } as const;

/** A review passes only when its verdict says so and no issue is a blocker or major. */
export function reviewPasses(review: ReviewResult): boolean {
  return review.verdict === 'pass' && !review.issues.some(isBlocking);
}

export function isBlocking(issue: ReviewIssue): boolean {
  return issue.severity === 'blocker' || issue.severity === 'major';
}
