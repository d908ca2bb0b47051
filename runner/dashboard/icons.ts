const svg = 'http://www.w3.org/2000/svg';

/** By a symbol of index.html, where the build puts those that the sources name. */
export function drawIcon(place: HTMLElement, name: string): void {
  const picture = document.createElementNS(svg, 'svg');
  picture.setAttribute('class', 'svg-icon');
  const use = document.createElementNS(svg, 'use');
  use.setAttribute('href', `#icon-${name}`);
  picture.append(use);
  place.replaceChildren(picture);
}
