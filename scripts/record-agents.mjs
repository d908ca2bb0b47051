// Records anew, from the installed CLIs against scripted models, what the parsers of their events are tested on.
//   node scripts/run.mjs scripts/record-agents.mjs [--folder FOLDER] [AGENT|AGENT/CASE…]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBubblewrapSandbox } from '../runner/adapters/sandbox/bubblewrap.ts';
import { acpCliLab, acpClis, acpNames } from '../test/support/acp-clis.ts';
import { recordingSandbox } from '../test/support/acp-recording.ts';
import { nativeCases } from '../test/support/native-cases.ts';
import { nativeLab } from '../test/support/native-lab.ts';
import { agentsFolder, installedCli, nativeKinds } from '../test/support/agent-clis.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const transcripts = join(root, 'test', 'fixtures', 'transcripts');
const words = process.argv.slice(2);
const at = words.indexOf('--folder');
const folder = at < 0 ? agentsFolder : resolve(words.splice(at, 2)[1] ?? agentsFolder);

const wanted = (agent, name) => words.length === 0 || words.includes(agent) || words.includes(`${agent}/${name}`);
const missing = [];
for (const agent of [...nativeKinds, ...acpNames]) {
  const program = installedCli(acpClis[agent]?.cli ?? agent, folder);
  const names = Object.keys(nativeCases).filter((name) => wanted(agent, name));
  if (program === null && names.length > 0) missing.push(agent);
  if (program === null) continue;
  for (const name of names) await (agent in acpClis ? recordAcp : record)(agent, program, name);
}
if (missing.length > 0) {
  console.error(`Not recorded, because not installed: ${missing.join(', ')}. First: scripts/install-agents.mjs`);
  process.exitCode = 1;
}

async function record(cli, program, name) {
  // In the home, not in the folder for temporary files: some CLIs behave otherwise there.
  const lab = mkdtempSync(join(homedir(), '.opus-record-'));
  const runs = [];
  const sandbox = createBubblewrapSandbox({ watchMs: 50 });
  const recording = {
    ...sandbox,
    run: async (request) => {
      const printed = { stdout: '', stderr: '' };
      const resumed = ['resume', '--resume', '--session'].some((word) => request.argv.includes(word));
      const onOutput = (text, stream) => {
        printed[stream] += text;
        request.onOutput?.(text, stream);
      };
      const result = await sandbox.run({ ...request, onOutput });
      runs.push({ ...printed, resumed, ending: result.ending, exitCode: result.exitCode });
      return result;
    },
  };
  try {
    const { outcome } = await nativeCases[name](nativeLab(lab, cli, program, { sandbox: recording }));
    const texts = runs.map(({ stdout, stderr, ...run }, number) => {
      const header = { recorded: { cli, version: program.version, case: name, run: number + 1, ...run, stderr } };
      return [JSON.stringify(header), stdout.trimEnd()].filter((line) => line !== '').join('\n');
    });
    keep(lab, cli, name, texts);
    tell(cli, name, outcome);
  } finally {
    rmSync(lab, { recursive: true, force: true });
  }
}

async function recordAcp(agent, program, name) {
  const folderOfRun = mkdtempSync(join(homedir(), '.opus-record-'));
  const runs = [];
  const outcomes = [];
  const sandbox = recordingSandbox(createBubblewrapSandbox({ watchMs: 50 }), runs);
  const lab = acpCliLab(folderOfRun, agent, program.path, { sandbox });
  const watched = {
    ...lab,
    run: async (more, profile) => {
      const run = await lab.run(more, profile);
      outcomes.push({ outcome: run.outcome, session: more.session ?? null, refusal: more.gateway.refusal() });
      return run;
    },
  };
  try {
    const { outcome } = await nativeCases[name](watched);
    const texts = runs.map(({ lines, ...run }, number) => {
      const { outcome: ended, session, refusal } = outcomes[number];
      const end = ended.kind === 'failed' ? ended.error.code : ended.kind;
      const about = { agent, version: program.version, case: name, run: number + 1, session, ...run, end, refusal };
      return [{ recorded: about }, ...lines].map((line) => JSON.stringify(line)).join('\n');
    });
    keep(folderOfRun, agent, name, texts);
    tell(agent, name, outcome);
  } finally {
    rmSync(folderOfRun, { recursive: true, force: true });
  }
}

function keep(lab, agent, name, texts) {
  mkdirSync(join(transcripts, agent), { recursive: true });
  for (const [number, text] of texts.entries()) {
    const file = texts.length === 1 ? `${name}.jsonl` : `${name}-${number + 1}.jsonl`;
    writeFileSync(join(transcripts, agent, file), `${withoutPaths(text, lab)}\n`);
  }
}

function tell(agent, name, outcome) {
  const said = outcome.kind === 'failed' ? `${outcome.error.code}: ${outcome.error.message}` : outcome.kind;
  console.log(`${agent}/${name}: ${said}`);
}

function withoutPaths(text, lab) {
  return text
    .replaceAll(lab, '/lab')
    .replaceAll(lab.replaceAll('/', '-').replaceAll('.', '-'), '-lab')
    .replaceAll(folder, '/agents')
    .replaceAll(root, '/project')
    .replaceAll(tmpdir(), '/tmp');
}
