// Installs the pinned CLIs of coding agents for the tests that run them: hundreds of megabytes, on request only.
//   node scripts/run.mjs scripts/install-agents.mjs [--folder FOLDER] [NAME…]
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { agentsFolder, cliPackages, installedCli } from '../test/support/agent-clis.ts';

const words = process.argv.slice(2);
const at = words.indexOf('--folder');
const folder = at < 0 ? agentsFolder : resolve(words.splice(at, 2)[1] ?? agentsFolder);
const unknown = words.find((word) => !(word in cliPackages));
if (unknown !== undefined) {
  console.error(`There is no ${unknown}; the CLIs are ${Object.keys(cliPackages).join(', ')}.`);
  process.exit(2);
}

const failed = (words.length === 0 ? Object.keys(cliPackages) : words).filter((name) => !install(name));
if (failed.length > 0) {
  console.error(`Not installed: ${failed.join(', ')}.`);
  process.exit(1);
}

function install(name) {
  const { name: packageName, version } = cliPackages[name];
  const present = installedCli(name, folder);
  if (present?.version === version) {
    console.log(`${name} ${version} is there.`);
    return true;
  }
  const prefix = join(folder, name);
  mkdirSync(prefix, { recursive: true });
  const wanted = `${packageName}@${version}`;
  console.log(`npm install ${wanted}`);
  // A folder of its own for each: their versions of the same packages must not meet.
  const { status } = spawnSync('npm', ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', wanted], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0 && installedCli(name, folder)?.version === version;
}
