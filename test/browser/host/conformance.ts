import type * as Obsidian from 'obsidian';
import type { ObsidianModule } from './obsidian-module.ts';

type Declared = typeof Obsidian;
type Common = keyof ObsidianModule & keyof Declared;
/** By the prototype: not every constructor is public. */
type Instance<Kind> = Kind extends { prototype: infer Made } ? Made : object;
/** Protected, which a type does not show. */
type Overridden = 'onOpen' | 'onClose';
type Undeclared<Name extends Common> = Exclude<
  keyof Instance<ObsidianModule[Name]>,
  keyof Instance<Declared[Name]> | `$${string}` | Overridden
>;

/**
 * Compiles only while the stand-in offers nothing that Obsidian does not declare: what it has besides begins with a `$`.
 * Whether it has all that a plugin uses shows when that is used.
 */
export const invented: Record<Exclude<keyof ObsidianModule, keyof Declared>, string> & {
  [Name in Common as [Undeclared<Name>] extends [never] ? never : Name]: Undeclared<Name>;
} = {};
