// The page's clock: Date, performance.now, timers and animation frames that move only when a step moves them.
(function (env) {
  const RealDate = Date;
  const EPOCH_MS = RealDate.UTC(2017, 0, 2, 9); // a Monday, nine o'clock in the morning
  const FRAME_MS = 1000 / 60;
  const MOST_CALLBACKS = 20000; // in one advance: timers that start each other for ever are cut off here
  let now = 0;
  let lastId = 0;
  let timers = new Map();
  let kept = [];

  function PageDate(...parts) {
    if (!new.target) return new PageDate().toString();
    const date = parts.length ? new RealDate(...parts) : new RealDate(EPOCH_MS + Math.floor(now));
    return Object.setPrototypeOf(date, new.target.prototype);
  }
  PageDate.prototype = Object.create(RealDate.prototype, { constructor: { value: PageDate } });
  PageDate.now = () => EPOCH_MS + Math.floor(now);
  PageDate.UTC = RealDate.UTC;
  PageDate.parse = RealDate.parse;
  window.Date = PageDate;
  Object.defineProperty(performance, "now", { value: () => now, configurable: true });

  function add(callback, due, args, every) {
    timers.set(++lastId, { id: lastId, callback, due, args, every });
    return lastId;
  }
  const delay = (ms) => Math.max(1, Math.min(2 ** 31 - 1, +ms || 0));
  window.setTimeout = (callback, ms, ...args) => add(callback, now + delay(ms), args, 0);
  window.setInterval = (callback, ms, ...args) => add(callback, now + delay(ms), args, delay(ms));
  window.clearTimeout = window.clearInterval = window.cancelAnimationFrame = (id) => void timers.delete(+id);
  window.requestAnimationFrame = (callback) =>
    add(callback, (Math.floor(now / FRAME_MS + 1e-6) + 1) * FRAME_MS, null, 0);
  window.requestIdleCallback = (callback) =>
    add(callback, now + 1, [{ didTimeout: false, timeRemaining: () => 50 }], 0);
  window.cancelIdleCallback = window.clearTimeout;

  function first(end) {
    let found = null;
    for (const timer of timers.values()) {
      if (timer.due <= end && (!found || timer.due < found.due)) found = timer; // equal times keep their order
    }
    return found;
  }

  function fire(timer) {
    if (timer.every) timer.due += timer.every;
    else timers.delete(timer.id);
    const args = timer.args || [now];
    env.guarded(() => (typeof timer.callback === "function" ? timer.callback(...args) : (0, eval)(String(timer.callback))));
  }

  env.clock = {
    now: () => now,
    // Remembers the timers that run now; every reset starts with them.
    keep() {
      kept = [...timers.values()].map((timer) => ({ ...timer, due: timer.due - now }));
    },
    reset() {
      now = 0;
      lastId = kept.length ? kept[kept.length - 1].id : 0;
      timers = new Map(kept.map((timer) => [timer.id, { ...timer }]));
    },
    // Moves the clock and runs what comes due on the way, in order.
    advance(ms) {
      const end = now + ms;
      for (let count = 0; count < MOST_CALLBACKS; count++) {
        const timer = first(end);
        if (!timer) break;
        now = Math.max(now, timer.due);
        fire(timer);
      }
      now = end;
    },
  };
})(window.__env);
