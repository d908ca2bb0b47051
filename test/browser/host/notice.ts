const shownFor = 5_000;

export class Notice {
  readonly containerEl: HTMLElement;
  readonly messageEl: HTMLElement;
  readonly noticeEl: HTMLElement;

  constructor(message: string | DocumentFragment, duration: number = shownFor) {
    const all = document.querySelector<HTMLElement>('.notice-container') ?? document.body.createDiv('notice-container');
    this.containerEl = all.createDiv('notice');
    this.noticeEl = this.containerEl;
    this.messageEl = this.containerEl.createDiv('notice-message');
    this.setMessage(message);
    this.containerEl.addEventListener('click', () => {
      this.hide();
    });
    if (duration > 0)
      window.setTimeout(() => {
        this.hide();
      }, duration);
  }

  setMessage(message: string | DocumentFragment): this {
    this.messageEl.setText(message);
    return this;
  }

  hide(): void {
    this.containerEl.remove();
  }
}
