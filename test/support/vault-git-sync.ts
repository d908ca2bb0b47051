import { createHostGit, type HostGit } from '../../runner/adapters/git/host-git.ts';
import { createVaultGit } from '../../runner/adapters/git/vault-git.ts';

/** One round in a process of its own, which dies right before its nth call of git (0: never), or of one command of git. */
const [root = '', remote = '', dieAt = '0', command = ''] = process.argv.slice(2);
const git = createHostGit();
let calls = 0;

function count(args: readonly string[]): void {
  if (command === '' || args[0] === command) calls += 1;
  if (calls > 0 && calls === Number(dieAt)) process.kill(process.pid, 'SIGKILL');
}

const counting: HostGit = {
  run: (args, call) => {
    count(args);
    return git.run(args, call);
  },
  text: (doing, args, call) => {
    count(args);
    return git.text(doing, args, call);
  },
};
const sync = createVaultGit({
  root,
  remote,
  branch: 'main',
  git: counting,
  reportsFolder: () => '20_runs',
  featureFolder: () => '10_features',
  clock: { now: () => Date.UTC(2026, 0, 2) },
});
console.log('begins');
await sync.sync();
console.log('ended');
