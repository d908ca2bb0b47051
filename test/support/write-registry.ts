import { openRegistry } from '../../runner/adapters/registry/open-registry.ts';

/** Commits effects `<name>-0`, `<name>-1`, … each with one event, and says which are done. */
const [file = '', name = '', count = ''] = process.argv.slice(2);
const registry = openRegistry({ file, clock: { now: () => Date.now() } });
for (let index = 0; index < Number(count); index += 1) {
  const key = `${name}-${index}`;
  registry.commit(key, { key }, { events: [{ type: 'test.written', jobId: null, data: { key } }] });
  console.log(key);
}
registry.close();
