import type { WorkspaceLeaf } from './leaf.ts';

/** One group of tabs: the middle, or a sidebar, which on a phone is a drawer over everything. */
export class WorkspaceSide {
  readonly $name: 'left' | 'root' | 'right';
  readonly $element: HTMLElement;
  readonly $tabs: HTMLElement;
  readonly $content: HTMLElement;
  $leaves: WorkspaceLeaf[] = [];
  $active: WorkspaceLeaf | null = null;
  collapsed: boolean;

  constructor(name: 'left' | 'root' | 'right', container: HTMLElement, collapsed: boolean) {
    this.$name = name;
    this.$element = container.createDiv(`workspace-split mod-${name === 'root' ? name : `${name}-split`}`);
    this.$tabs = this.$element.createDiv('workspace-tab-header-container');
    this.$content = this.$element.createDiv('workspace-tab-container');
    this.collapsed = false;
    if (collapsed) this.collapse();
  }

  expand(): void {
    this.collapsed = false;
    this.$element.removeClass('is-collapsed');
  }

  collapse(): void {
    this.collapsed = true;
    this.$element.addClass('is-collapsed');
  }

  toggle(): void {
    if (this.collapsed) this.expand();
    else this.collapse();
  }

  getRoot(): this {
    return this;
  }

  $add(leaf: WorkspaceLeaf): void {
    this.$leaves.push(leaf);
    this.$tabs.appendChild(leaf.$tab);
    this.$content.appendChild(leaf.$element);
    this.$active ??= leaf;
    this.$mark();
  }

  $remove(leaf: WorkspaceLeaf): void {
    this.$leaves = this.$leaves.filter((other) => other !== leaf);
    leaf.$tab.remove();
    leaf.$element.remove();
    if (this.$active === leaf) this.$active = this.$leaves.at(-1) ?? null;
    this.$mark();
    void this.$active?.loadIfDeferred();
  }

  $select(leaf: WorkspaceLeaf): void {
    this.$active = leaf;
    this.$mark();
  }

  $mark(): void {
    for (const leaf of this.$leaves) {
      leaf.$tab.toggleClass('is-active', leaf === this.$active);
      leaf.$element.toggle(leaf === this.$active);
    }
  }
}
