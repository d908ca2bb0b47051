export type Callback = (...data: never[]) => unknown;

export interface HostEventRef {
  readonly emitter: Events;
  readonly name: string;
  readonly callback: Callback;
  readonly context: unknown;
}

/** Members with a `$` are the stand-in's own: a plugin that uses one would fail inside Obsidian, and fails here (see strict.ts). */
export class Events {
  readonly $refs = new Set<HostEventRef>();

  on(name: string, callback: Callback, context?: unknown): HostEventRef {
    const ref = { emitter: this, name, callback, context };
    this.$refs.add(ref);
    return ref;
  }

  off(name: string, callback: Callback): void {
    for (const ref of this.$refs) if (ref.name === name && ref.callback === callback) this.$refs.delete(ref);
  }

  offref(ref: HostEventRef): void {
    this.$refs.delete(ref);
  }

  trigger(name: string, ...data: unknown[]): void {
    for (const ref of [...this.$refs]) if (ref.name === name) this.tryTrigger(ref, data);
  }

  /** One that throws does not keep the others from hearing of it; it is thrown where nobody catches it. */
  tryTrigger(ref: HostEventRef, data: unknown[]): void {
    try {
      (ref.callback as (...values: unknown[]) => unknown).apply(ref.context, data);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

export class Component {
  $isLoaded = false;
  $cleanups: (() => unknown)[] = [];
  $children: Component[] = [];

  load(): void {
    if (this.$isLoaded) return;
    this.$isLoaded = true;
    this.onload();
    for (const child of this.$children) child.load();
  }

  onload(): unknown {
    return undefined;
  }

  unload(): void {
    if (!this.$isLoaded) return;
    this.$isLoaded = false;
    for (const child of this.$children.splice(0)) child.unload();
    for (const cleanup of this.$cleanups.splice(0).reverse()) cleanup();
    this.onunload();
  }

  onunload(): void {
    return undefined;
  }

  addChild<Child extends Component>(child: Child): Child {
    this.$children.push(child);
    if (this.$isLoaded) child.load();
    return child;
  }

  removeChild<Child extends Component>(child: Child): Child {
    this.$children = this.$children.filter((other) => other !== child);
    child.unload();
    return child;
  }

  register(cleanup: () => unknown): void {
    this.$cleanups.push(cleanup);
  }

  registerEvent(ref: HostEventRef): void {
    this.register(() => {
      ref.emitter.offref(ref);
    });
  }

  registerDomEvent(
    target: EventTarget,
    type: string,
    callback: (event: Event) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void {
    target.addEventListener(type, callback, options);
    this.register(() => {
      target.removeEventListener(type, callback, options);
    });
  }

  registerInterval(id: number): number {
    this.register(() => {
      window.clearInterval(id);
    });
    return id;
  }
}
