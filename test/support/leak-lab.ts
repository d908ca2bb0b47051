import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { makeFaultLab, type FaultLab } from './fault-lab.ts';
import { startReceiver } from './receiver.ts';
import { startScriptedModels, type ScriptedModels, type ScriptedTurn } from './scripted-models.ts';
import { filesBelow, gitObjectsBelow, processesBelow, textFinding, type Finding } from './leak-search.ts';
import { startService, type ServiceProcess } from './service-process.ts';

const program = join(import.meta.dirname, '../../runner/main.ts');
const hostile = join(import.meta.dirname, '../fixtures/agents/hostile-cli.mjs');

/** A key as no pattern knows it, with what is written otherwise in addresses. */
function newSecret(name: string): string {
  return `${name}${randomBytes(16).toString('hex')}/${randomBytes(8).toString('hex')}+`;
}

/** What the agent could see, as it left it. */
export interface Loot {
  readonly answers: readonly {
    readonly method: string;
    readonly path: string;
    readonly status: number | string;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly text: string;
  }[];
  /** What came of reading and of listing each path that is none of its business: an error code, or what was there. */
  readonly opened: Readonly<Record<string, string>>;
  readonly listed: Readonly<Record<string, string>>;
  readonly processes: number;
  readonly tooLarge: readonly string[];
  readonly files: number;
  readonly paths: readonly string[];
}

export interface LeakLab {
  readonly lab: FaultLab;
  readonly models: ScriptedModels;
  readonly service: ServiceProcess;
  /** Known to the gateway from its environment, and from a file. */
  readonly secrets: readonly string[];
  /** Given to the agent by its note, and printed and written by it: what a leak would look like. */
  readonly control: string;
  /** What the agent has left, once it has tried everything. */
  loot(): Loot | null;
  /** All that the sandbox could read. */
  reachable(): Finding[];
  /** How many notifications people were sent. */
  notified(): number;
  /** All that is outside but the service's memory: with what these commands say. */
  outside(...commands: readonly (readonly string[])[]): Promise<Finding[]>;
}

/** A service with two keys, an `llm` agent that plans, and a CLI that attacks; FR-2 is refused for the provider's limit. */
export async function startLeakLab(): Promise<LeakLab> {
  const models = await startScriptedModels();
  const receiver = await startReceiver();
  onTestFinished(async () => {
    await models.close();
    await receiver.stop();
  });
  const [fromEnvironment, fromFile, control] = [newSecret('known'), newSecret('filed'), newSecret('shown')];
  models.say(...turns(fromEnvironment, fromFile, `${models.url}/elsewhere`));

  const lab = makeFaultLab({
    notes: 0,
    stages: ['plan', 'code', 'deliver'],
    config: [
      `models: { anthropic: { key: env:LEAK_KEY, url: "${models.url}" }, house: { key: file:./agents/house.key, url: "${models.url}/v1" } }`,
      `notify: { team: { kind: webhook, url: "${receiver.origin}/hook" } }`,
      'retry: { attempts: 1, base: 1ms }',
    ],
  });
  const { folder } = lab;
  const agents = join(folder, 'agents');
  const calls = join(folder, 'git-calls');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  mkdirSync(join(folder, 'home'));
  mkdirSync(join(lab.vault, '10_features'), { recursive: true });
  copyFileSync(hostile, join(bin, 'claude.mjs'));
  writeFileSync(join(bin, 'claude'), `#!/bin/sh\nexec ${process.execPath} ${bin}/claude.mjs "$@"\n`);
  writeFileSync(
    join(bin, 'git'),
    `#!/bin/sh\n( cat /proc/$$/environ /proc/$$/cmdline >> ${calls} ) 2>/dev/null\nexec ${gitProgram()} "$@"\n`,
  );
  for (const name of ['claude', 'git']) chmodSync(join(bin, name), 0o755);
  writeFileSync(join(agents, 'house.key'), `${fromFile}\n`, { mode: 0o600 });
  const hold = join(agents, 'hold.code');
  writeFileSync(hold, '');
  const notes = join(lab.vault, '00_system/opus/agents');
  writeFileSync(
    join(notes, 'plan.md'),
    '---\nstage: plan\ndriver: llm\nmodel: house/small\n---\n{{ fr.title }}\n\n{{ result_schema }}\n',
  );
  writeFileSync(
    join(notes, 'code.md'),
    `---\nstage: code\ndriver: claude\nmodel: claude-sonnet-4-5\nreads: [${agents}]\nenv: [LEAK_CONTROL, LEAK_PLACES]\n---\n{{ fr.title }}\n`,
  );

  const service = await startService(lab, {
    environment: {
      ...{ LEAK_KEY: fromEnvironment, LEAK_CONTROL: control, LEAK_PLACES: agents },
      // No more toolchains than the agent needs: it reads all that it sees.
      ...{ PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`, HOME: join(folder, 'home') },
    },
  });
  const forbidden = [
    ...[`/proc/${service.pid}/environ`, lab.config, join(agents, 'house.key'), lab.vault, lab.data],
    ...[join(lab.data, 'registry.db'), join(lab.data, 'service.json'), join(folder, 'origin.git')],
    ...[process.env['TMPDIR'] ?? '', '/tmp/..', '/root'],
  ];
  writeFileSync(join(agents, 'places.json'), JSON.stringify({ hold, forbidden, elsewhere: models.url }));

  const out = (): string | null => {
    const attempts = join(lab.data, 'attempts');
    const name = existsSync(attempts)
      ? readdirSync(attempts, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('loot-report.json'))
      : undefined;
    return name === undefined ? null : join(attempts, name, '..');
  };
  const command = (...words: string[]): Promise<Finding> =>
    new Promise((resolve) => {
      const argv = [program, ...words, '--config', lab.config];
      execFile(process.execPath, argv, { env: { ...process.env, NO_COLOR: '1' } }, (_error, stdout, stderr) => {
        resolve(textFinding(`opus ${words.join(' ')}`, stdout + stderr));
      });
    });
  return {
    ...{ lab, models, service, control },
    secrets: [fromEnvironment, fromFile],
    loot() {
      const place = out();
      if (place === null) return null;
      try {
        return JSON.parse(readFileSync(join(place, 'loot-report.json'), 'utf8')) as Loot;
      } catch {
        return null;
      }
    },
    reachable() {
      const place = out();
      return place === null ? [] : filesBelow(place);
    },
    notified: () => receiver.received.length,
    async outside(...commands) {
      const metrics = await fetch(new URL('/metrics', service.client.service.url));
      // Before the files are read: what a command writes is one of them.
      const said = await Promise.all(commands.map((words) => command(...words)));
      return [
        ...said,
        textFinding('metrics', await metrics.text()),
        textFinding('notifications', JSON.stringify(receiver.received)),
        textFinding('standard error', service.said()),
        ...processesBelow(service.pid),
        ...gitObjectsBelow(folder),
        ...filesBelow(folder).filter(({ place }) => place !== 'agents/house.key' && !/\/loot-[^/]*$/.test(place)),
      ];
    },
  };
}

function gitProgram(): string {
  const found = (process.env['PATH'] ?? '').split(':').map((folder) => join(folder, 'git'));
  return found.find((path) => existsSync(path)) ?? '/usr/bin/git';
}

/** A provider that tells the key in every way it can; the agents ask for the turns by their number. */
function turns(fromEnvironment: string, fromFile: string, elsewhere: string): readonly ScriptedTurn[] {
  const submit = { summary: `with ${fromFile}`, steps: [{ title: `use ${fromFile}` }] };
  const words = { error: { type: 'rate_limit_error', message: `no tokens left for ${fromEnvironment} today` } };
  const headers = { 'x-echo': `key ${fromEnvironment}` };
  return [
    { text: `I was called with ${fromFile}, it seems.`, tools: [{ name: 'submit_result', input: submit }] },
    { text: 'Nothing more.' },
    { fault: { status: 400, echo: true, headers } },
    { fault: { status: 302, headers: { location: `${elsewhere}?key=${fromEnvironment}` } } },
    { fault: { status: 500, body: { error: { type: 'api_error', message: `bad ${fromEnvironment}` } }, headers } },
    { text: `The key of this call is ${fromEnvironment}, tell nobody. Again: ${fromEnvironment}` },
    { fault: { status: 429, headers: { ...headers, 'retry-after': '3600' }, body: words } },
  ];
}
