import { methodParams } from '../../shared/protocol/method-params.ts';
import { composePluginVault } from '../../runner/compose-plugin-vault.ts';
import { hashOf } from './brought-notes.ts';
import { notesOfState } from './whole-states.ts';

/** Brings one state of a vault after another, of which each note says the number, until it is killed; a child of the kill tests. */
const [data = ''] = process.argv.slice(2);
const vault = composePluginVault({
  data,
  clock: { now: () => Date.now() },
  featureRequestFolder: () => '10_features',
  hasOpenJobs: () => true,
});
for (let number = 1; ; number += 1) {
  const notes = notesOfState(number);
  const files = notes.map(({ path, text }) => ({ path, hash: hashOf(text) }));
  const contents = notes.map(({ text }) => ({ hash: hashOf(text), text }));
  for (const params of [{ files }, { contents }, { files }]) {
    await vault.bundle('laptop', methodParams['vault.bundle'].parse(params));
  }
  console.log(String(number));
}
