import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';
import { createEmbeddedEngine } from '../../runner/adapters/engine-embedded/embedded-engine.ts';

/**
 * Runs one job of ten steps. Every step commits an event under its effect key, says so, and the step named by `stopAt`
 * then never ends, so that the process can be killed in the middle of it.
 */
const [folder = '', stopAt = ''] = process.argv.slice(2);
const registry = openRegistry({ file: `${folder}/registry.db`, clock: { now: () => Date.now() } });
const engine = createEmbeddedEngine({ file: `${folder}/engine.db` });
engine.register(async (context, jobId) => {
  for (let index = 0; index < 10; index += 1) {
    const name = `step-${index}`;
    await context.step(name, async () => {
      console.log(`body ${name}`);
      const key = `${jobId}/${name}`;
      const seen = registry.effect(key);
      if (seen) return seen.result;
      if (name === stopAt) await new Promise(() => undefined);
      return registry.commit(key, name, { events: [{ type: 'step.done', jobId, data: { name } }] });
    });
  }
  await context.step('end', () => {
    console.log('end');
    return Promise.resolve(null);
  });
});
await engine.start('FR-1-1', 1);
await engine.idle();
await engine.stop();
registry.close();
