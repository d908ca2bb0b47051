/** Obsidian takes the text of a tooltip for the element's name, too. */
export function setTooltip(element: HTMLElement, tooltip: string): void {
  if (tooltip === '') element.removeAttribute('aria-label');
  else element.setAttribute('aria-label', tooltip);
}
