/** The little of an element that the mocks and the plugin touch before anything is drawn. */
export class FakeElement {
  textContent = '';
  readonly classes: string[] = [];
  readonly attributes = new Map<string, string>();
  createDiv(): FakeElement {
    return new FakeElement();
  }
  createSpan(): FakeElement {
    return new FakeElement();
  }
  addClass(...names: string[]): void {
    this.classes.push(...names);
  }
  toggleClass(): void {
    // Colours are looked at in a browser.
  }
  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }
  setText(text: string): void {
    this.textContent = text;
  }
  addEventListener(): void {
    // Nothing is clicked here.
  }
  removeEventListener(): void {
    // As above.
  }
}
