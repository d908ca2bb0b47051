import { openGithubLab } from '../support/github-lab.ts';
import { forgeContract } from './forge.contract.ts';

forgeContract('GitHub', async () => {
  const lab = await openGithubLab();
  return {
    repository: lab.repository,
    connect: () => lab.client().forge,
    branch: (name) => lab.branch(name),
    merge: (commit) => {
      lab.hosted.bare.git('update-ref', 'refs/heads/main', commit);
    },
    dispose: () => lab.stop(),
  };
});
