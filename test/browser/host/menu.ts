import { Component } from './events.ts';
import { setIcon } from './icons.ts';

export class MenuItem {
  readonly $element: HTMLElement = createDiv({ cls: 'menu-item tappable' });
  readonly $icon = this.$element.createDiv('menu-item-icon');
  readonly $title = this.$element.createDiv('menu-item-title');
  $section = '';
  $isDisabled = false;
  $callback: ((event: MouseEvent | KeyboardEvent) => unknown) | null = null;

  setTitle(title: string | DocumentFragment): this {
    this.$title.setText(title);
    return this;
  }

  setIcon(icon: string | null): this {
    if (icon !== null) setIcon(this.$icon, icon);
    return this;
  }

  setChecked(checked: boolean | null): this {
    this.$element.toggleClass('mod-checked', checked === true);
    return this;
  }

  setDisabled(disabled: boolean): this {
    this.$isDisabled = disabled;
    this.$element.toggleClass('is-disabled', disabled);
    return this;
  }

  setWarning(isWarning: boolean): this {
    this.$element.toggleClass('is-warning', isWarning);
    return this;
  }

  setIsLabel(isLabel: boolean): this {
    this.$element.toggleClass('is-label', isLabel);
    return this;
  }

  onClick(callback: (event: MouseEvent | KeyboardEvent) => unknown): this {
    this.$callback = callback;
    return this;
  }

  setSection(section: string): this {
    this.$section = section;
    return this;
  }
}

/** Shown in the page, never by the system. */
export class Menu extends Component {
  $items: (MenuItem | 'separator')[] = [];
  $onHide: (() => unknown)[] = [];
  $element: HTMLElement | null = null;
  $selected: MenuItem | null = null;
  $before: Element | null = null;

  setNoIcon(): this {
    return this;
  }

  setUseNativeMenu(_useNativeMenu: boolean): this {
    return this;
  }

  setParentElement(_element: HTMLElement): this {
    return this;
  }

  addItem(callback: (item: MenuItem) => unknown): this {
    const item = new MenuItem();
    this.$items.push(item);
    callback(item);
    return this;
  }

  addSeparator(): this {
    this.$items.push('separator');
    return this;
  }

  onHide(callback: () => unknown): void {
    this.$onHide.push(callback);
  }

  showAtMouseEvent(event: MouseEvent): this {
    event.preventDefault();
    // From the keyboard it has no place of its own.
    const box = event.target instanceof Element ? event.target.getBoundingClientRect() : null;
    const isPlaced = event.clientX !== 0 || event.clientY !== 0 || box === null;
    return this.showAtPosition(isPlaced ? { x: event.clientX, y: event.clientY } : { x: box.left, y: box.bottom });
  }

  showAtPosition({ x, y }: { x: number; y: number }): this {
    this.hide();
    if (this.$items.length === 0) return this;
    this.$before = document.activeElement;
    const element = document.body.createDiv('menu');
    this.$element = element;
    for (const [at, group] of this.$groups().entries()) {
      if (at > 0) element.createDiv('menu-separator');
      for (const item of group) this.$show(item, element);
    }
    element.setCssStyles({
      left: `${Math.max(0, Math.min(x, window.innerWidth - element.offsetWidth - 4))}px`,
      top: `${Math.max(0, Math.min(y, window.innerHeight - element.offsetHeight - 4))}px`,
    });
    document.addEventListener('keydown', this.$onKey, true);
    document.addEventListener('pointerdown', this.$onPress, true);
    return this;
  }

  hide(): this {
    if (!this.$element) return this;
    this.$element.remove();
    this.$element = null;
    document.removeEventListener('keydown', this.$onKey, true);
    document.removeEventListener('pointerdown', this.$onPress, true);
    if (this.$before instanceof HTMLElement) this.$before.focus();
    for (const callback of this.$onHide) callback();
    return this;
  }

  close(): void {
    this.hide();
  }

  static forEvent(event: MouseEvent): Menu {
    const menu = new Menu();
    queueMicrotask(() => menu.showAtMouseEvent(event));
    return menu;
  }

  /** Items of one section stand together; so do those between separators. */
  $groups(): MenuItem[][] {
    const sections = new Map<string, MenuItem[]>();
    let run = 0;
    for (const item of this.$items) {
      if (item === 'separator') {
        run += 1;
        continue;
      }
      const key = item.$section === '' ? `run ${run}` : item.$section;
      sections.set(key, [...(sections.get(key) ?? []), item]);
    }
    return [...sections.values()];
  }

  $show(item: MenuItem, parent: HTMLElement): void {
    parent.appendChild(item.$element);
    item.$element.addEventListener('click', (event) => {
      this.$choose(item, event);
    });
    item.$element.addEventListener('mouseenter', () => {
      this.$select(item);
    });
  }

  $choose(item: MenuItem, event: MouseEvent | KeyboardEvent): void {
    if (item.$isDisabled) return;
    this.hide();
    item.$callback?.(event);
  }

  $select(item: MenuItem | null): void {
    this.$selected?.$element.removeClass('selected');
    this.$selected = item;
    item?.$element.addClass('selected');
  }

  readonly $onPress = (event: PointerEvent): void => {
    if (this.$element?.contains(event.target as Node) === false) this.hide();
  };

  readonly $onKey = (event: KeyboardEvent): void => {
    const items = this.$items.filter((item) => item !== 'separator').filter((item) => !item.$isDisabled);
    const at = this.$selected ? items.indexOf(this.$selected) : -1;
    if (event.key === 'ArrowDown') this.$select(items[(at + 1) % items.length] ?? null);
    else if (event.key === 'ArrowUp') this.$select(items.at(at <= 0 ? -1 : at - 1) ?? null);
    else if (event.key === 'Escape') this.hide();
    else if (event.key === 'Enter' && this.$selected) this.$choose(this.$selected, event);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
