/** The time on screen. It stands still while the window is hidden: a page that nobody sees needs no wake-ups. */
class Clock {
  now = $state(Date.now());
  #timer: ReturnType<typeof setInterval> | undefined;

  start(): () => void {
    const follow = () => {
      clearInterval(this.#timer);
      if (document.hidden) return;
      this.now = Date.now();
      this.#timer = setInterval(() => (this.now = Date.now()), 1000);
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      clearInterval(this.#timer);
      document.removeEventListener('visibilitychange', follow);
    };
  }
}

export const clock = new Clock();
