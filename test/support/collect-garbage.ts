import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** So that what is measured then is what is still held. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
