// Records anew, from the installed CLIs against scripted models, what the parsers of their events are tested on.
//   node scripts/run.mjs scripts/record-agents.mjs [--folder FOLDER] [CLI|CLI/CASE…]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBubblewrapSandbox } from '../runner/adapters/sandbox/bubblewrap.ts';
import { nativeCases } from '../test/support/native-cases.ts';
import { nativeLab } from '../test/support/native-lab.ts';
import { agentsFolder, cliPackages, installedCli } from '../test/support/agent-clis.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const transcripts = join(root, 'test', 'fixtures', 'transcripts');
const words = process.argv.slice(2);
const at = words.indexOf('--folder');
const folder = at < 0 ? agentsFolder : resolve(words.splice(at, 2)[1] ?? agentsFolder);

const wanted = (cli, name) => words.length === 0 || words.includes(cli) || words.includes(`${cli}/${name}`);
const missing = [];
for (const cli of Object.keys(cliPackages)) {
  const program = installedCli(cli, folder);
  const names = Object.keys(nativeCases).filter((name) => wanted(cli, name));
  if (program === null && names.length > 0) missing.push(cli);
  if (program === null) continue;
  for (const name of names) await record(cli, program, name);
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
    mkdirSync(join(transcripts, cli), { recursive: true });
    for (const [number, { stdout, stderr, ...run }] of runs.entries()) {
      const header = { recorded: { cli, version: program.version, case: name, run: number + 1, ...run, stderr } };
      const text = [JSON.stringify(header), stdout.trimEnd()].filter((line) => line !== '').join('\n');
      const file = join(transcripts, cli, runs.length === 1 ? `${name}.jsonl` : `${name}-${number + 1}.jsonl`);
      writeFileSync(file, `${withoutPaths(text, lab)}\n`);
    }
    const said = outcome.kind === 'failed' ? `${outcome.error.code}: ${outcome.error.message}` : outcome.kind;
    console.log(`${cli}/${name}: ${said}`);
  } finally {
    rmSync(lab, { recursive: true, force: true });
  }
}

function withoutPaths(text, lab) {
  return text
    .replaceAll(lab, '/lab')
    .replaceAll(lab.replaceAll('/', '-').replaceAll('.', '-'), '-lab')
    .replaceAll(folder, '/agents')
    .replaceAll(root, '/project')
    .replaceAll(tmpdir(), '/tmp');
}
