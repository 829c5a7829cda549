// What is measured in the page: from a click until what it brings is painted.
window.bench = {
  /** The time once the frame that is drawn next is drawn: the task after it. */
  painted: () =>
    new Promise((done) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => done(performance.now());
        port2.postMessage(0);
      }),
    ),

  /** Waits until it is so, looked at after each change of the page, and until that is painted. */
  until(what, isSo, bound = 20_000) {
    return new Promise((done, fail) => {
      const began = performance.now();
      let over = false;
      const watch = new MutationObserver(() => look());
      function look() {
        if (over) return;
        if (isSo()) done(bench.painted());
        else if (performance.now() - began > bound)
          fail(new Error(`in vain: ${what}; the page shows: ${document.body.innerText.slice(0, 400)}`));
        else return;
        over = true;
        watch.disconnect();
      }
      watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      // What moves without a change of the page, such as a list that was scrolled.
      const frame = () => {
        look();
        if (!over) requestAnimationFrame(frame);
      };
      frame();
    });
  },

  async after(act, what, isSo) {
    const began = performance.now();
    act();
    return (await bench.until(what, isSo)) - began;
  },

  part: (name) => document.querySelector(`[data-testid="${name}"]`),
  rest: (ms) => new Promise((done) => setTimeout(done, ms)),

  /** The last event whose row is in view, or -1. */
  lastInView() {
    const wrap = bench.part('transcript');
    if (!wrap) return -1;
    const view = wrap.getBoundingClientRect();
    const rows = wrap.querySelectorAll('[data-row^="e"]');
    let last = -1;
    for (let at = rows.length - 1; at >= 0; at -= 1) {
      const box = rows[at].getBoundingClientRect();
      if (box.height > 0 && box.top < view.bottom - 4 && box.bottom > view.top)
        last = Math.max(last, Number(rows[at].dataset.row.slice(1)));
    }
    return last;
  },

  /** From the list of jobs into one, until its end is in view. */
  async open(job, last) {
    location.hash = '#/jobs';
    await bench.until('the list', () => bench.row(job) !== null && !bench.part('transcript'));
    await bench.rest(300);
    return await bench.after(
      () => bench.row(job).querySelector('[data-testid="job-open"]').click(),
      'the rows of the job',
      () => bench.lastInView() >= last,
    );
  },
  row: (job) => document.querySelector(`[data-testid="job-row"][data-job-id="${job}"]`),

  /** From a screen to another one of the sidebar: until it is there, and until what it reads is there. */
  async go(from, to) {
    const heading = () => document.querySelector('main h1');
    const busy = () => document.querySelector('main [aria-busy="true"]') !== null;
    bench.part(`nav-${from}`).click();
    await bench.until(`nothing busy on ${from}`, () => heading() && !busy());
    await bench.rest(250);
    const before = heading();
    const began = performance.now();
    bench.part(`nav-${to}`).click();
    const there = (await bench.until(to, () => heading() && heading() !== before)) - began;
    const whole = (await bench.until(`all of ${to}`, () => heading() !== before && !busy())) - began;
    return [there, Math.max(there, whole)];
  },

  /** From words in the search field to the first places where they are. */
  search(words) {
    const field = bench.part('jobs-search');
    return bench.after(
      () => {
        field.value = words;
        field.dispatchEvent(new Event('input', { bubbles: true }));
      },
      `places of ${words}`,
      () => bench.part('hit-list')?.querySelector('mark')?.textContent.toLowerCase() === words,
    );
  },

  /** Time from frame to frame, while `step` is called in each. */
  frames(ms, step) {
    return new Promise((done) => {
      const took = [];
      let last;
      const began = performance.now();
      const frame = () => {
        const now = performance.now();
        if (last !== undefined) took.push(now - last);
        last = now;
        if (now - began > ms || step() === false) done(took);
        else requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
  },

  /** Scrolls the transcript by so many pixels a frame. */
  scroll(ms, by) {
    const wrap = bench.part('transcript');
    const list = [...wrap.querySelectorAll('*')].find((node) => node.scrollHeight > node.clientHeight + 100);
    return bench.frames(ms, () => void list.scrollBy(0, by));
  },

  /** Notes which event is in view, and when, each time that changes. */
  follow() {
    const seen = [];
    let due = false;
    let last = -1;
    const watch = new MutationObserver(() => {
      if (due) return;
      due = true;
      void bench.painted().then(() => {
        due = false;
        const seq = bench.lastInView();
        if (seq > last) seen.push([(last = seq), performance.timeOrigin + performance.now()]);
      });
    });
    watch.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
    bench.seen = seen;
    bench.unfollow = () => {
      watch.disconnect();
      return seen;
    };
  },
};
