import { parse } from 'yaml';
import type { App } from './app.ts';
import { Component } from './events.ts';
import type { TFile } from './files.ts';
import { ItemView } from './views.ts';

export abstract class Value {
  abstract toString(): string;
  abstract isTruthy(): boolean;

  equals(other: Value): boolean {
    return this.toString() === other.toString();
  }

  renderTo(element: HTMLElement): void {
    element.setText(this.toString());
  }
}

export class NullValue extends Value {
  static readonly value = new NullValue();

  toString(): string {
    return '';
  }

  isTruthy(): boolean {
    return false;
  }
}

class PrimitiveValue<Kind extends string | number | boolean> extends Value {
  readonly $value: Kind;

  constructor(value: Kind) {
    super();
    this.$value = value;
  }

  toString(): string {
    return String(this.$value);
  }

  isTruthy(): boolean {
    return Boolean(this.$value);
  }
}

export class StringValue extends PrimitiveValue<string> {}
export class NumberValue extends PrimitiveValue<number> {}
export class BooleanValue extends PrimitiveValue<boolean> {}

export class ListValue extends Value {
  readonly $values: readonly Value[];

  constructor(values: readonly unknown[]) {
    super();
    this.$values = values.map(valueOf);
  }

  toString(): string {
    return this.$values.map(String).join(', ');
  }

  isTruthy(): boolean {
    return this.$values.length > 0;
  }

  length(): number {
    return this.$values.length;
  }

  get(index: number): Value {
    return this.$values[index] ?? NullValue.value;
  }

  includes(value: Value): boolean {
    return this.$values.some((each) => each.equals(value));
  }
}

function valueOf(value: unknown): Value {
  if (value instanceof Value) return value;
  if (Array.isArray(value)) return new ListValue(value);
  if (typeof value === 'string') return new StringValue(value);
  if (typeof value === 'number') return new NumberValue(value);
  if (typeof value === 'boolean') return new BooleanValue(value);
  return value === null || value === undefined ? NullValue.value : new StringValue(JSON.stringify(value));
}

class BasesEntry {
  readonly file: TFile;
  readonly $frontmatter: Readonly<Record<string, unknown>>;

  constructor(file: TFile, frontmatter: Readonly<Record<string, unknown>>) {
    this.file = file;
    this.$frontmatter = frontmatter;
  }

  getValue(property: string): Value | null {
    const { type, name } = parsePropertyId(property);
    if (type === 'note') return valueOf(this.$frontmatter[name]);
    if (type !== 'file') return null;
    const { path, basename, extension } = this.file;
    return valueOf({ name: this.file.name, path, basename, ext: extension }[name]);
  }
}

export function parsePropertyId(id: string): { type: string; name: string } {
  const at = id.indexOf('.');
  return { type: id.slice(0, at), name: id.slice(at + 1) };
}

class BasesQueryResult {
  readonly data: BasesEntry[];

  constructor(data: BasesEntry[]) {
    this.data = data;
  }

  get groupedData(): { entries: BasesEntry[]; hasKey: () => boolean }[] {
    return [{ entries: this.data, hasKey: () => false }];
  }

  get properties(): string[] {
    return ['file.name'];
  }
}

class BasesViewConfig {
  readonly name: string;
  readonly $values: Record<string, unknown>;

  constructor(name: string, values: Record<string, unknown>) {
    this.name = name;
    this.$values = values;
  }

  get(key: string): unknown {
    return this.$values[key];
  }

  getAsPropertyId(key: string): string | null {
    const value = this.$values[key];
    return typeof value === 'string' ? value : null;
  }

  set(key: string, value: unknown): void {
    this.$values[key] = value;
  }

  getOrder(): string[] {
    return ['file.name'];
  }

  getSort(): never[] {
    return [];
  }

  getDisplayName(property: string): string {
    return parsePropertyId(property).name;
  }
}

export class QueryController extends Component {
  readonly $app: App;
  readonly $config: BasesViewConfig;

  constructor(app: App, config: BasesViewConfig) {
    super();
    this.$app = app;
    this.$config = config;
  }
}

export abstract class BasesView extends Component {
  abstract type: string;
  app: App;
  config: BasesViewConfig;
  allProperties: string[] = [];
  data = new BasesQueryResult([]);

  constructor(controller: QueryController) {
    super();
    this.app = controller.$app;
    this.config = controller.$config;
  }

  abstract onDataUpdated(): void;
}

export interface BasesRegistration {
  readonly name: string;
  readonly icon: string;
  readonly factory: (controller: QueryController, container: HTMLElement) => BasesView;
}

interface BaseFile {
  readonly filters?: string | { and: string[] };
  readonly views?: readonly ({ type: string; name: string } & Record<string, unknown>)[];
}

/** A `.base` file with the first of its views; of filters it knows `file.inFolder("…")`. */
export class BasesFileView extends ItemView {
  override icon = 'table';
  $file: TFile | null = null;
  $folder = '';
  $view: BasesView | null = null;

  getViewType(): string {
    return 'bases';
  }

  getDisplayText(): string {
    return this.$file?.basename ?? 'Base';
  }

  override getState(): Record<string, unknown> {
    return { file: this.$file?.path ?? null };
  }

  override async setState(state: unknown): Promise<void> {
    const { app } = this;
    this.$file = app.vault.getFileByPath((state as { file: string }).file);
    if (!this.$file) return;
    const { views = [], filters } = parse(await app.vault.read(this.$file)) as BaseFile;
    const [first] = views;
    const registration = app.$basesViews.get(first?.type ?? '');
    this.$folder = /inFolder\("([^"]+)"\)/.exec(JSON.stringify(filters).replaceAll('\\"', '"'))?.[1] ?? '';
    if (!first || !registration) return;
    const controller = this.addChild(new QueryController(app, new BasesViewConfig(first.name, first)));
    this.contentEl.empty();
    this.$view = registration.factory(controller, this.contentEl.createDiv('bases-view'));
    controller.addChild(this.$view);
    for (const name of ['changed', 'deleted']) {
      this.registerEvent(
        app.metadataCache.on(name, () => {
          this.$query();
        }),
      );
    }
    this.$query();
  }

  $query(): void {
    const { app, $view, $folder } = this;
    if (!$view) return;
    const files = app.vault
      .getMarkdownFiles()
      .filter(({ path }) => path.startsWith($folder === '' ? '' : `${$folder}/`));
    const entries = files.map((file) => new BasesEntry(file, app.metadataCache.getFileCache(file)?.frontmatter ?? {}));
    const names = entries.flatMap(({ $frontmatter }) => Object.keys($frontmatter));
    $view.allProperties = ['file.name', ...new Set(names.map((name) => `note.${name}`))];
    $view.data = new BasesQueryResult(entries);
    $view.onDataUpdated();
  }
}
