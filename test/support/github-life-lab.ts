import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import { connectToService, type ServiceClient } from '../../runner/cli/service-client.ts';
import { composeService, type Service } from '../../runner/compose-service.ts';
import { createLiveConfig } from '../../runner/config/live-config.ts';
import { loadConfig } from '../../runner/config/load.ts';
import type { Job, RegistryReader } from '../../runner/core/ports/job-registry.ts';
import type { Pull, Repository } from './github/records.ts';
import { startGitHub, type GitHub } from './github/start-github.ts';
import type { NewRepository } from './github/state.ts';

export interface GithubLabOptions {
  /** By the names of opus.yml. */
  readonly repositories: Readonly<Record<string, NewRepository>>;
  /** Frontmatter of the policy note below its stages. */
  readonly policy?: string;
  /** What the coder does, in shell, by the id of the feature request; `*` for all others. */
  readonly coder?: Readonly<Record<string, string>>;
  readonly reviewer?: string;
}

/** A vault and shell agents on a GitHub of its own, with the service in this process. */
export interface GithubLab {
  readonly folder: string;
  readonly github: GitHub;
  readonly service: Service;
  readonly client: ServiceClient;
  repository(name: string): Repository;
  /** Puts a planned note into the vault. */
  plan(id: string, keys?: readonly string[]): void;
  note(id: string): string;
  report(id: string): string;
  /** Writes a person's answer into the note. */
  decide(id: string, decision: string): void;
  read<Result>(look: (registry: RegistryReader) => Result): Result;
  job(id: string): Job;
  /** The pull request of the job's branch. */
  pull(id: string): Pull;
  pulls(id: string): readonly Pull[];
  /** Texts of the events of one type. */
  events(id: string, type: string): readonly Readonly<Record<string, unknown>>[];
  /** Settles when the job asks for the merge of this commit, or of any other than the one before. */
  atGate(id: string, wanted?: { readonly kind?: string; readonly not?: string | null }): Promise<Job>;
  atPerson(id: string, code: string): Promise<Job>;
  succeeded(id: string): Promise<Job>;
  call: ServiceClient['call'];
  approve(id: string): Promise<unknown>;
  retry(id: string, from: 'deliver' | 'code' | null): Promise<unknown>;
  /** Ends the service, and begins it anew. */
  restart(): Promise<void>;
  tokenInUse(): string;
  replaceToken(token: string): void;
  stop(): Promise<void>;
}

export const patience = { timeout: 20_000, interval: 25 } as const;
const runnerLogin = 'opus';

const plainCoder = `echo "round $OPUS_ROUND" >> "$OPUS_FR_ID.txt"`;
const passing = `printf '{"verdict":"pass","confidence":95,"summary":"as asked","issues":[]}' > "$OPUS_RESULT_FILE"`;

/** What the coder was told is in its commit, so that tests read it on GitHub. */
function coderScript(coder: Readonly<Record<string, string>>): string {
  const cases = Object.entries(coder).map(([id, script]) => `${id}) ${script}\n;;`);
  return `mkdir -p told
cp "$OPUS_PROMPT_FILE" "told/$OPUS_FR_ID.$OPUS_ROUND"
case $OPUS_FR_ID in
${cases.join('\n')}
${'*' in coder ? '' : `*) ${plainCoder}\n;;`}
esac
printf '{"summary":"round %s"}' "$OPUS_ROUND" > "$OPUS_RESULT_FILE"`;
}

export async function startGithubLab(options: GithubLabOptions): Promise<GithubLab> {
  const folder = mkdtempSync(join(tmpdir(), 'gl-'));
  const github = await startGitHub();
  const repositories = new Map(
    Object.entries(options.repositories).map(([name, wanted]) => [name, github.createRepository(wanted)]),
  );
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    // As an editor saves: the whole file, put in place of what it was.
    writeFileSync(join(folder, `${path}.new`), text);
    renameSync(join(folder, `${path}.new`), join(folder, path));
  };
  const notePath = (id: string): string => `vault/10_features/${id}.md`;
  const agents: Readonly<Record<string, string>> = {
    plan: `printf '{"summary":"One file for %s","steps":[{"title":"write"}]}' "$OPUS_FR_ID" > "$OPUS_RESULT_FILE"`,
    code: coderScript(options.coder ?? {}),
    review: options.reviewer ?? passing,
  };
  for (const [stage, script] of Object.entries(agents)) {
    write(`agents/${stage}.sh`, `set -e\n${script}\n`);
    write(
      `vault/00_system/opus/agents/${stage}.md`,
      `---\nstage: ${stage}\ndriver: command\ncommand: ["/bin/sh", "{{config_dir}}/agents/${stage}.sh"]\n---\n{{ fr.title }}\n{{ comment }}\n`,
    );
  }
  write('vault/00_system/opus/config.md', `---\nbacklog: dispatch\n${options.policy ?? ''}\n---\n`);
  write('token', github.token(runnerLogin));
  const repos = [...repositories].map(
    ([name, repository]) => `  ${name}:
    url: ${github.cloneUrl(repository)}
    forge: github
    github: { repo: ${repository.owner}/${repository.name}, token: "file:${folder}/token", api: ${github.apiUrl} }
    test: test -s README.md
`,
  );
  write(
    'opus.yml',
    `vault: { path: ./vault }
repos:
${repos.join('')}data: ./data
server: { port: 0 }
trust: auto
concurrency: 4
polling: { active: 100ms, idle: 100ms }
retry: { attempts: 2, base: 1ms, factor: 2, max: 5ms }
`,
  );
  const compose = (): Promise<Service> =>
    composeService({
      live: createLiveConfig(() => loadConfig(join(folder, 'opus.yml'))),
      overrides: { logLevel: 'debug', ...(process.env['LAB_DEBUG'] ? { console: 'pretty' } : {}) },
    });
  let service = await compose();
  const connected = (): ServiceClient => {
    const found = connectToService(join(folder, 'data'));
    if (found === null) throw new Error('The service has written no file.');
    return found;
  };
  let client = connected();

  const read = <Result>(look: (registry: RegistryReader) => Result): Result => {
    const registry = openRegistryReader({ file: join(folder, 'data/registry.db') });
    try {
      return look(registry);
    } finally {
      registry.close();
    }
  };
  const jobs = (id: string): Job[] =>
    read((registry) => [...registry.jobs({ finished: false }), ...registry.jobs({ finished: true })]).filter(
      ({ featureRequestId }) => featureRequestId === id,
    );
  const job = (id: string): Job => {
    const found = jobs(id)
      .sort((left, right) => left.createdAt - right.createdAt)
      .at(-1);
    if (found === undefined) throw new Error(`${id} has no job.`);
    return found;
  };
  const standing = ({ status, waitingFor, gate, error, runState }: Job) => ({
    status,
    waitingFor,
    gate,
    code: error?.code ?? null,
    message: error?.message ?? null,
    runState,
  });
  const until = async (id: string, is: (job: Job) => boolean, wanted: string): Promise<Job> =>
    await vi.waitFor(() => {
      const found = job(id);
      if (!is(found)) expect.fail(`${id} is not ${wanted}: ${JSON.stringify(standing(found))}`);
      return found;
    }, patience);
  const pulls = (id: string): readonly Pull[] => {
    const { branch } = job(id);
    return [...repositories.values()]
      .flatMap((repository) => github.state.pulls(repository))
      .filter(({ headRef }) => headRef === branch);
  };
  const save = (id: string, text: string): void => {
    write(notePath(id), text);
  };
  const note = (id: string): string => readFileSync(join(folder, notePath(id)), 'utf8');

  return {
    folder,
    github,
    get service() {
      return service;
    },
    get client() {
      return client;
    },
    repository(name) {
      const found = repositories.get(name);
      if (found === undefined) throw new Error(`No repository ${name}.`);
      return found;
    },
    plan(id, keys = []) {
      save(id, ['---', `id: ${id}`, `title: Write ${id}`, 'status: planned', ...keys, '---', 'Please.', ''].join('\n'));
    },
    note,
    report: (id) => readFileSync(join(folder, `vault/20_runs/${job(id).id}.md`), 'utf8'),
    decide(id, decision) {
      const text = note(id).replace(/^decision:.*\n/m, '');
      save(id, text.replace(/^status:/m, `decision: "${decision}"\nstatus:`));
    },
    read,
    job,
    pulls,
    pull(id) {
      const [first, ...more] = pulls(id);
      if (first === undefined || more.length > 0) throw new Error(`${id} has ${more.length + 1} pull requests.`);
      return first;
    },
    events: (id, type) =>
      read((registry) => registry.events({ afterSeq: 0, jobId: job(id).id, limit: 1000 }))
        .filter((event) => event.type === type)
        .map(({ data }) => data),
    atGate: (id, { kind = 'merge', not = null } = {}) =>
      until(id, ({ gate }) => gate?.kind === kind && gate.hash !== not, `at the gate ${kind}`),
    atPerson: (id, code) =>
      until(id, ({ waitingFor, error }) => waitingFor === 'human' && error?.code === code, `with a person for ${code}`),
    succeeded: (id) => until(id, ({ status }) => status === 'succeeded', 'done'),
    call: (method, params) => client.call(method, params),
    approve: (id) => client.call('approval.decide', { job: id, kind: 'approve', comment: '', person: 'ada' }),
    retry: (id, from) => client.call('job.retry', { job: id, comment: '', ...(from === null ? {} : { from }) }),
    async restart() {
      await service.stop(new AbortController().signal);
      service = await compose();
      client = connected();
    },
    tokenInUse: () => readFileSync(join(folder, 'token'), 'utf8'),
    replaceToken: (token) => {
      write('token', token);
    },
    async stop() {
      await service.stop(new AbortController().signal);
      try {
        await github.stop();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}
