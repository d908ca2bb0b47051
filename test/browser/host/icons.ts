import icons from 'lucide-static/icon-nodes.json' with { type: 'json' };
import { refuse } from './strict.ts';

type Nodes = readonly (readonly [string, Readonly<Record<string, string>>])[];
const known = icons as unknown as Readonly<Record<string, Nodes>>;
const own = new Map<string, string>();

/** Obsidian shows nothing for a name that it does not know; here that fails. */
export function setIcon(parent: HTMLElement, iconId: string): void {
  parent.replaceChildren();
  const icon = getIcon(iconId);
  if (icon) parent.appendChild(icon);
}

export function getIcon(iconId: string): SVGSVGElement | null {
  const name = iconId.replace(/^lucide-/, '');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const attributes = {
    width: '24',
    height: '24',
    viewBox: own.has(name) ? '0 0 100 100' : '0 0 24 24',
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': '2',
    'stroke-linecap': 'round',
    'stroke-linejoin': 'round',
    class: `svg-icon lucide-${name}`,
  };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  const added = own.get(name);
  if (added !== undefined) {
    const parsed = new DOMParser().parseFromString(
      `<svg xmlns="http://www.w3.org/2000/svg">${added}</svg>`,
      'image/svg+xml',
    );
    svg.append(...parsed.documentElement.childNodes);
    return svg;
  }
  const nodes = known[name] ?? refuse(`There is no icon ${iconId}.`);
  for (const [tag, values] of nodes) {
    const node = svg.appendChild(document.createElementNS('http://www.w3.org/2000/svg', tag));
    for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
  }
  return svg;
}

export function addIcon(iconId: string, svgContent: string): void {
  own.set(iconId, svgContent);
}

export function removeIcon(iconId: string): void {
  own.delete(iconId);
}

export const getIconIds = (): string[] => [...Object.keys(known).map((name) => `lucide-${name}`), ...own.keys()];
