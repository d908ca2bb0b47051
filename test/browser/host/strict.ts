import { bridge } from './bridge.ts';

/** Makes what the stand-in lacks loud: it throws, and the test fails even when the plugin catches that. */
export function strict<Thing extends object>(name: string, thing: Thing): Thing {
  return new Proxy(thing, {
    get(target, key, receiver) {
      if (typeof key === 'symbol' || key in target || harmless.has(key)) return Reflect.get(target, key, receiver);
      return refuse(`The stand-in has no ${name}.${key}.`);
    },
  });
}

/** Asked of anything by the language or by tools, such as a promise that looks for its like. */
const harmless = new Set(['then', 'toJSON', 'constructor', '__esModule', 'nodeType']);

export function refuse(problem: string): never {
  void bridge.report(problem);
  throw new Error(problem);
}
