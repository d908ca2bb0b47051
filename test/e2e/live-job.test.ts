import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openRegistryReader } from '../../runner/adapters/registry/registry-reader.ts';
import { composeRunner } from '../../runner/compose.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { addUsage, noUsage } from '../../shared/domain/agent-event.ts';
import { acpClis, acpCommand, acpNames, type AcpName } from '../support/acp-clis.ts';
import { cliPackages, nativeKinds, type CliName, type InstalledCli } from '../support/agent-clis.ts';
import { startCliModels, type CliModels } from '../support/cli-models.ts';
import { liveAgents } from '../support/live-agents.ts';
import { editedFiles, exampleScript, isFixRound, makeLiveExample } from '../support/live-job-lab.ts';
import { labModels } from '../support/native-lab.ts';

type AgentName = (typeof nativeKinds)[number] | AcpName;

const wanted = {
  ...Object.fromEntries(nativeKinds.map((kind) => [kind, kind])),
  ...Object.fromEntries(acpNames.map((name) => [name, acpClis[name].cli])),
} as Record<AgentName, CliName>;
const installed = liveAgents('whole jobs', wanted);
/** Begins anew, with the whole context, in each run. */
const forgetful: readonly AgentName[] = ['gemini-acp'];
/** Asks its model on when its turn is over, to suggest and to remember, until it is ended. */
const talkative: readonly AgentName[] = ['qwen-acp'];

const keyName = 'LIVE_JOB_KEY';
let folder: string;
let models: CliModels;
let canary: string;
let path: string | undefined;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'j-'));
  models = await startCliModels(exampleScript);
  canary = `sk-canary-${randomUUID()}`;
  process.env[keyName] = canary;
  path = process.env['PATH'];
});
afterEach(async () => {
  process.env['PATH'] = path;
  Reflect.deleteProperty(process.env, keyName);
  await models.close();
  rmSync(folder, { recursive: true, force: true });
});

function noteOf(name: AgentName, program: InstalledCli): string {
  if (isAcp(name)) {
    const { model, endpoint } = acpClis[name];
    const command = JSON.stringify(acpCommand(name, program.path));
    return `driver: acp\ncommand: ${command}\nmodel: ${model}\nendpoints: [${endpoint}]`;
  }
  return `driver: ${name}\nmodel: ${labModels[name]}`;
}

function isAcp(name: AgentName): name is AcpName {
  return name in acpClis;
}

/** Takes FR-001 as far as it goes by itself. */
async function runExample(name: AgentName, program: InstalledCli) {
  // Where the runner finds a CLI.
  if (!isAcp(name)) process.env['PATH'] = `${dirname(program.path)}:${path ?? ''}`;
  const { config } = await makeLiveExample(folder, { agent: noteOf(name, program), modelsUrl: models.url, keyName });
  const configuration = loadConfig(config);
  const runner = await composeRunner(configuration);
  onTestFinished(() => runner.stop());
  await runner.start();
  const { id } = await runner.application.dispatch('FR-001', { again: false });
  const quiet = new AbortController().signal;
  const job = await runner.application.work(id, { approve: null, signal: quiet });
  const attempts = runner.application.attempts(id);
  const document = runner.application.document(id);
  await runner.stop();
  const reader = openRegistryReader({ file: join(configuration.data, 'registry.db') });
  const ledger = reader.usage({ jobId: id });
  reader.close();
  return { job, attempts, document, ledger, data: configuration.data, sandboxState: runner.sandboxState };
}

const credentials = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key', 'proxy-authorization', 'cookie'];

/** Wherever a request could carry one. */
function credentialsOf({ headers, body, path: asked }: CliModels['requests'][number]): string[] {
  const carried = credentials.flatMap((header) => headers[header] ?? []);
  const rest = { ...headers, ...Object.fromEntries(credentials.map((header) => [header, undefined])) };
  const elsewhere = `${JSON.stringify(rest)} ${asked} ${body}`;
  return [...carried, ...(elsewhere.includes(canary) ? ['the key, elsewhere'] : [])];
}

function filesWith(text: string, place: string): string[] {
  return readdirSync(place, { recursive: true, encoding: 'utf8' })
    .map((file) => join(place, file))
    .filter((file) => existsSync(file) && statSync(file).isFile() && readFileSync(file).includes(text));
}

describe.each([...installed])('%s, with the whole runner', (name, program) => {
  it('takes the example through a fix round to the merge gate', { timeout: 240_000 }, async () => {
    const { job, attempts, document, ledger, data, sandboxState } = await runExample(name, program);

    expect(document.error).toBeNull();
    expect(sandboxState.kind).toBe('isolated');
    expect(job).toMatchObject({ status: 'waiting', waitingFor: 'approval', gate: { kind: 'merge' } });
    expect(document.rounds).toBe(1);
    expect(attempts.map(({ stage, round, status }) => `${stage} ${round} ${status}`)).toEqual([
      'plan 0 passed',
      'code 0 passed',
      'test 0 passed',
      'review 0 rejected',
      'code 1 passed',
      'test 1 passed',
      'review 1 passed',
      'deliver 1 passed',
    ]);
    const evidence = document.stages.flatMap((stage) => (stage.name === 'test' ? (stage.evidence ?? []) : []));
    expect(evidence.map(({ argv, exitCode }) => [argv.join(' '), exitCode])).toEqual([
      ['npm test', 0],
      ['npm test', 0],
    ]);
    expect(evidence.at(-1)?.commit).toBe(document.commit);
    for (const [file, text] of Object.entries(editedFiles('2-mended'))) {
      const shown = ['--git-dir', join(folder, 'repos/app.git'), 'show', `${document.branch ?? ''}:${file}`];
      expect(execFileSync('git', shown, { encoding: 'utf8' })).toBe(text);
    }

    const [firstFix] = models.requests.filter(isFixRound);
    const sessions = attempts.filter(({ stage }) => stage === 'code').map(({ session }) => session);
    if (forgetful.includes(name)) {
      expect(firstFix?.turn).toBe(0);
    } else {
      expect(firstFix?.turn).toBe(2);
      expect(firstFix?.body).toContain('Adding up.');
      expect(sessions[0]).toEqual(expect.stringMatching(/\S/));
      expect(sessions[1]).toBe(sessions[0]);
    }
    // Who judges begins anew each time. Some agents ask further things beside, with the same prompt.
    const judged = models.requests.filter(({ body, turn }) => turn === 0 && body.includes('You review one change'));
    expect(new Set(judged.map(({ body }) => body.includes('const span = new RegExp')))).toEqual(new Set([true, false]));

    const told = ledger.reduce((sum, { usage }) => addUsage(sum, usage), noUsage);
    expect(told.output).toBeGreaterThan(0);
    // What is cut before the provider has counted it is estimated, rather too high.
    if (talkative.includes(name)) expect(told.input).toBeGreaterThanOrEqual(models.counted().input);
    else expect(told).toEqual(models.counted());

    const seen = new Set(models.requests.flatMap(credentialsOf));
    expect([...seen].map((value) => value.replace(/^Bearer /, ''))).toEqual([canary]);
    expect(filesWith(canary, data)).toEqual([]);
    expect(filesWith(canary, join(folder, 'vault'))).toEqual([]);
  });
});

describe('agents that are installed', () => {
  it('are of the pinned versions', () => {
    const versions = [...installed].map(([name, program]) => [name, program.version]);
    expect(versions).toEqual([...installed.keys()].map((name) => [name, cliPackages[wanted[name]].version]));
  });
});
