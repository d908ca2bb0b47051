type Modifier = 'Mod' | 'Ctrl' | 'Meta' | 'Shift' | 'Alt';
type Listener = (event: KeyboardEvent, context: { modifiers: string; key: string; vkey: string }) => unknown;

interface Handler {
  readonly scope: Scope;
  readonly modifiers: Modifier[] | null;
  readonly key: string | null;
  readonly listener: Listener;
}

export class Scope {
  readonly $parent: Scope | undefined;
  $handlers: Handler[] = [];

  constructor(parent?: Scope) {
    this.$parent = parent;
  }

  register(modifiers: Modifier[] | null, key: string | null, listener: Listener): Handler {
    const handler = { scope: this, modifiers, key, listener };
    this.$handlers.push(handler);
    return handler;
  }

  unregister(handler: Handler): void {
    this.$handlers = this.$handlers.filter((other) => other !== handler);
  }

  /** True when somebody took the key. */
  $handle(event: KeyboardEvent): boolean {
    const context = { modifiers: pressed(event).join(','), key: event.key, vkey: event.key };
    for (const { modifiers, key, listener } of this.$handlers) {
      if (key !== null && key.toLowerCase() !== event.key.toLowerCase()) continue;
      if (modifiers !== null && !sameModifiers(modifiers, event)) continue;
      if (listener(event, context) === false) {
        event.preventDefault();
        event.stopPropagation();
        return true;
      }
    }
    return this.$parent?.$handle(event) ?? false;
  }
}

function pressed(event: KeyboardEvent | MouseEvent | TouchEvent): string[] {
  const { ctrlKey, metaKey, shiftKey, altKey } = event;
  return [ctrlKey && 'Ctrl', metaKey && 'Meta', shiftKey && 'Shift', altKey && 'Alt'].filter((name) => name !== false);
}

function sameModifiers(wanted: readonly Modifier[], event: KeyboardEvent): boolean {
  const names = wanted.map((name) => (name === 'Mod' ? 'Ctrl' : name));
  return [...names].sort().join(',') === pressed(event).sort().join(',');
}

type UserEvent = MouseEvent | KeyboardEvent | TouchEvent | PointerEvent;

export class Keymap {
  $scopes: Scope[] = [];

  constructor() {
    document.addEventListener('keydown', (event) => this.$scopes.at(-1)?.$handle(event), true);
  }

  pushScope(scope: Scope): void {
    this.$scopes.push(scope);
  }

  popScope(scope: Scope): void {
    this.$scopes = this.$scopes.filter((other) => other !== scope);
  }

  static isModifier(event: MouseEvent | TouchEvent | KeyboardEvent, modifier: Modifier): boolean {
    return pressed(event).includes(modifier === 'Mod' ? 'Ctrl' : modifier);
  }

  static isModEvent(event?: UserEvent | null): 'tab' | 'split' | 'window' | boolean {
    if (!event) return false;
    const isMiddle = event instanceof MouseEvent && event.button === 1;
    if (!isMiddle && !event.ctrlKey && !event.metaKey) return false;
    if (event.altKey) return event.shiftKey ? 'window' : 'split';
    return 'tab';
  }
}
