import { afterAll, beforeAll } from 'vitest';

const WIDTH = 1000;
const HEIGHT = 5000;
const ROW = 57;

/** A page without layout has no sizes, and a list of none shows no rows: gives each element those of a large window. */
export function withSizes(): void {
  const before = globalThis.ResizeObserver;
  const offset = Object.getOwnPropertyDescriptor(HTMLElement.prototype, 'offsetHeight');

  class Sizes implements ResizeObserver {
    readonly #tell: ResizeObserverCallback;
    constructor(tell: ResizeObserverCallback) {
      this.#tell = tell;
    }
    observe(target: Element): void {
      const isRow = target.parentElement?.closest('[role=grid] > div > div, [role=listbox] > div > div') !== null;
      const size = { width: WIDTH, height: isRow ? ROW : HEIGHT };
      const contentRect = { ...size, x: 0, y: 0, top: 0, left: 0, right: 0, bottom: 0, toJSON: () => size };
      queueMicrotask(() => {
        const box = [{ blockSize: size.height, inlineSize: size.width }];
        const entry = { target, contentRect, borderBoxSize: box, contentBoxSize: box, devicePixelContentBoxSize: box };
        this.#tell([entry], this);
      });
    }
    unobserve(): void {}
    disconnect(): void {}
  }

  beforeAll(() => {
    globalThis.ResizeObserver = Sizes;
    Object.defineProperty(HTMLElement.prototype, 'offsetParent', { configurable: true, get: () => document.body });
    Object.defineProperty(HTMLElement.prototype, 'offsetHeight', { configurable: true, get: () => HEIGHT });
  });
  afterAll(() => {
    globalThis.ResizeObserver = before;
    if (offset) Object.defineProperty(HTMLElement.prototype, 'offsetHeight', offset);
  });
}
