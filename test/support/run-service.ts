import { composeService } from '../../runner/compose-service.ts';
import { createLiveConfig } from '../../runner/config/live-config.ts';
import { loadConfig } from '../../runner/config/load.ts';
import { countBoundaries, parseAim } from './boundaries.ts';

/** The service on a configuration until SIGTERM, or until the boundary that it is to be killed at; a child of the kill tests. */
const [config = '', aim = ''] = process.argv.slice(2);
const say = (what: unknown): void => {
  console.log(JSON.stringify(what));
};
const counts = countBoundaries(parseAim(aim));
const service = await composeService({
  live: createLiveConfig(() => loadConfig(config)),
  overrides: {
    progress: ({ kind }) => {
      // Of the clock that began with this process.
      if (kind === 'started') say({ stageAfterMs: performance.now() });
    },
  },
});
process.once('SIGTERM', () => {
  void service.stop(new AbortController().signal).then(() => {
    say({ counts });
  });
});
say({ url: service.url });
