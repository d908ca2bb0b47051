import type {} from 'obsidian';

/** What Obsidian adds to the prototypes of the DOM and of the language, as far as a plugin needs it. */
export function extendPrototypes(): void {
  add(Node.prototype, nodeMembers);
  add(Element.prototype, elementMembers);
  add(Element.prototype, parentMembers);
  add(HTMLElement.prototype, htmlMembers);
  add(DocumentFragment.prototype, parentMembers);
  for (const prototype of [Node.prototype, UIEvent.prototype]) {
    Object.defineProperty(prototype, 'doc', { get: () => document, configurable: true });
    Object.defineProperty(prototype, 'win', { get: () => window, configurable: true });
    add(prototype, { instanceOf: isInstance });
  }
  add(Array.prototype, {
    first(this: unknown[]) {
      return this[0];
    },
    last(this: unknown[]) {
      return this.at(-1);
    },
    contains(this: unknown[], value: unknown) {
      return this.includes(value);
    },
    remove(this: unknown[], value: unknown) {
      const at = this.indexOf(value);
      if (at >= 0) this.splice(at, 1);
    },
    unique(this: unknown[]) {
      return [...new Set(this)];
    },
  });
  add(String.prototype, {
    contains(this: string, part: string) {
      return this.includes(part);
    },
  });
  Object.assign(window, {
    activeWindow: window,
    activeDocument: document,
    createEl: (tag: string, info?: Info) => create(tag, info),
    createDiv: (info?: Info) => create('div', info),
    createSpan: (info?: Info) => create('span', info),
    createSvg: (tag: string, info?: Info) => createInSvg(tag, info),
    createFragment(callback?: (fragment: DocumentFragment) => void) {
      const fragment = document.createDocumentFragment();
      callback?.(fragment);
      return fragment;
    },
    sleep: (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    nextFrame: () => new Promise((resolve) => requestAnimationFrame(resolve)),
  });
}

type Info = DomElementInfo | string | undefined;
type Made<Kind extends Element> = ((made: Kind) => void) | undefined;

function add(prototype: object, members: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(members))
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
}

function isInstance(this: object, type: new () => object): boolean {
  return this instanceof type;
}

function create(tag: string, given?: Info, parent?: Node): HTMLElement {
  const info = typeof given === 'string' ? { cls: given } : (given ?? {});
  const made = document.createElement(tag);
  addClasses(made, info.cls);
  if (info.text !== undefined) setText(made, info.text);
  for (const [name, value] of Object.entries(info.attr ?? {})) setAttribute(made, name, value);
  if (info.title !== undefined) made.title = info.title;
  for (const name of ['value', 'type', 'placeholder', 'href'] as const)
    if (info[name] !== undefined) Object.assign(made, { [name]: info[name] });
  return place(made, info.parent ?? parent, info.prepend);
}

function createInSvg(tag: string, given?: SvgElementInfo | string, parent?: Node): SVGElement {
  const info = typeof given === 'string' ? { cls: given } : (given ?? {});
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  addClasses(made, info.cls);
  const { attr } = info;
  for (const [name, value] of Object.entries(attr ?? {})) setAttribute(made, name, value);
  return place(made, parent, info.prepend);
}

function place<Kind extends Element>(made: Kind, parent: Node | undefined, prepend = false): Kind {
  if (prepend) parent?.insertBefore(made, parent.firstChild);
  else parent?.appendChild(made);
  return made;
}

function addClasses(element: Element, classes: string | string[] | undefined): void {
  for (const name of [classes ?? []].flat())
    for (const each of name.split(' ')) if (each !== '') element.classList.add(each);
}

function setText(element: Node, value: string | DocumentFragment): void {
  if (typeof value === 'string') element.textContent = value;
  else (element as Element).replaceChildren(value);
}

function setAttribute(element: Element, name: string, value: string | number | boolean | null): void {
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, String(value));
}

const nodeMembers = {
  detach(this: Node) {
    this.parentNode?.removeChild(this);
  },
  empty(this: Node) {
    while (this.firstChild) this.removeChild(this.firstChild);
  },
  appendText(this: Node, text: string) {
    this.appendChild(document.createTextNode(text));
  },
  insertAfter(this: Node, node: Node, child: Node | null) {
    return this.insertBefore(node, child ? child.nextSibling : this.firstChild);
  },
  indexOf(this: Node, other: Node) {
    return [...this.childNodes].indexOf(other as ChildNode);
  },
  setChildrenInPlace(this: Node, children: Node[]) {
    (this as Element).replaceChildren(...children);
  },
  createEl(this: Node, tag: string, info?: Info, callback?: Made<HTMLElement>) {
    const made = create(tag, info, this);
    callback?.(made);
    return made;
  },
  createDiv(this: Node, info?: Info, callback?: Made<HTMLElement>) {
    const made = create('div', info, this);
    callback?.(made);
    return made;
  },
  createSpan(this: Node, info?: Info, callback?: Made<HTMLElement>) {
    const made = create('span', info, this);
    callback?.(made);
    return made;
  },
  createSvg(this: Node, tag: string, info?: SvgElementInfo | string, callback?: Made<SVGElement>) {
    const made = createInSvg(tag, info, this);
    callback?.(made);
    return made;
  },
};

const elementMembers = {
  getText(this: Element) {
    return this.textContent;
  },
  setText(this: Element, value: string | DocumentFragment) {
    setText(this, value);
  },
  addClass(this: Element, ...classes: string[]) {
    addClasses(this, classes);
  },
  addClasses(this: Element, classes: string[]) {
    addClasses(this, classes);
  },
  removeClass(this: Element, ...classes: string[]) {
    this.classList.remove(...classes);
  },
  removeClasses(this: Element, classes: string[]) {
    this.classList.remove(...classes);
  },
  toggleClass(this: Element, classes: string | string[], value: boolean) {
    for (const name of [classes].flat()) this.classList.toggle(name, value);
  },
  hasClass(this: Element, name: string) {
    return this.classList.contains(name);
  },
  setAttr(this: Element, name: string, value: string | number | boolean | null) {
    setAttribute(this, name, value);
  },
  setAttrs(this: Element, attributes: Record<string, string | number | boolean | null>) {
    for (const [name, value] of Object.entries(attributes)) setAttribute(this, name, value);
  },
  getAttr(this: Element, name: string) {
    return this.getAttribute(name);
  },
  matchParent(this: Element, selector: string) {
    return this.closest(selector);
  },
  isActiveElement(this: Element) {
    return document.activeElement === this;
  },
};

const parentMembers = {
  find(this: ParentNode, selector: string) {
    return this.querySelector(selector);
  },
  findAll(this: ParentNode, selector: string) {
    return [...this.querySelectorAll(selector)];
  },
};

const htmlMembers = {
  show(this: HTMLElement) {
    this.style.removeProperty('display');
  },
  hide(this: HTMLElement) {
    this.style.display = 'none';
  },
  toggle(this: HTMLElement, isShown: boolean) {
    this.style.display = isShown ? '' : 'none';
  },
  toggleVisibility(this: HTMLElement, isVisible: boolean) {
    this.style.visibility = isVisible ? '' : 'hidden';
  },
  isShown(this: HTMLElement) {
    return this.offsetParent !== null;
  },
  setCssStyles(this: HTMLElement, styles: Partial<CSSStyleDeclaration>) {
    Object.assign(this.style, styles);
  },
  setCssProps(this: HTMLElement, values: Record<string, string>) {
    for (const [name, value] of Object.entries(values)) this.style.setProperty(name, value);
  },
  onClickEvent(this: HTMLElement, listener: (event: MouseEvent) => unknown) {
    this.addEventListener('click', listener);
    this.addEventListener('auxclick', listener);
  },
  trigger(this: HTMLElement, type: string) {
    this.dispatchEvent(new Event(type));
  },
};
