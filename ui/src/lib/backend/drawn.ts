/** Runs once what is on the page now has been drawn: when the frame after the next one begins. */
export function onceDrawn(then: () => void): void {
  requestAnimationFrame(() => requestAnimationFrame(then));
}
