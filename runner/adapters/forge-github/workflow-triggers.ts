import { parse } from 'yaml';
import * as z from 'zod/mini';
import { at, type GithubConnection } from './github-connection.ts';

const mostWorkflows = 20;
const triggers = ['push', 'pull_request', 'pull_request_target'];

const workflowsAnswer = z.object({
  workflows: z.array(z.object({ name: z.string(), path: z.string(), state: z.string() })),
});
const contentAnswer = z.object({ content: z.string() });

/** Names of the workflows that pushing a branch, or its pull request, starts. One that cannot be read counts. */
export async function workflowsOnPush(connection: GithubConnection): Promise<string[]> {
  const { owner, name } = connection;
  const path = at`/repos/${owner}/${name}/actions/workflows`;
  const { data } = await connection.get('list the workflows', path, { query: { per_page: 100 } });
  const active = workflowsAnswer.parse(data).workflows.filter(({ state }) => state === 'active');
  const found: string[] = [];
  for (const [index, workflow] of active.entries()) {
    const file = workflow.path.split('/').map(encodeURIComponent).join('/');
    const isFile = workflow.path.startsWith('.github/');
    if (
      !isFile ||
      index >= mostWorkflows ||
      (await runsOnPush(connection, `${at`/repos/${owner}/${name}/contents/`}${file}`))
    ) {
      found.push(workflow.name);
    }
  }
  return found;
}

async function runsOnPush(connection: GithubConnection, path: string): Promise<boolean> {
  const { data } = await connection.get('read a workflow', path);
  try {
    const text = Buffer.from(contentAnswer.parse(data).content, 'base64').toString('utf8');
    const on = (parse(text, { maxAliasCount: 10 }) as { on?: unknown } | null)?.on;
    const events = typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on ?? {});
    return events.some((event) => typeof event === 'string' && triggers.includes(event));
  } catch {
    return true;
  }
}
