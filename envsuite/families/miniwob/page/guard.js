// What every page gets before anything else: the shared object, and doors that are shut.
(function () {
  const { setTimeout } = window;
  const env = { errors: 0, clipboard: "", pictures: [], pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
  Object.defineProperty(window, "__env", { value: env });

  // Types of events that anything on the page has ever listened for; sending others would change nothing.
  const heard = new Set();
  env.hear = (type) => heard.add(type);
  env.hears = (type) => heard.has(type) || heard.has("*");

  // Runs page code; what it throws is counted and ends there, as in a browser's event loop.
  env.guarded = function (call) {
    try {
      return call();
    } catch (error) {
      env.errors += 1;
      return undefined;
    }
  };

  window.addEventListener("error", () => (env.errors += 1)); // of the page's listeners

  for (const name of ["log", "info", "warn", "error", "debug", "trace", "table", "assert"]) console[name] = () => {};
  window.alert = window.print = () => {};
  window.confirm = () => true;
  window.prompt = () => null;
  window.open = () => null;
  HTMLFormElement.prototype.submit = () => {};

  // Nothing leads away from the page: links within it scroll, all others and every form stay where they are.
  function follow(event, inner) {
    const link = event.target.nodeType === 1 ? event.target.closest("a[href]") : null;
    if (!link || event.defaultPrevented) return;
    event.preventDefault();
    const href = link.getAttribute("href");
    if (href === "#") inner.scrollTo(0, 0);
    else if (href.startsWith("#")) inner.document.getElementById(href.slice(1))?.scrollIntoView();
    else if (href.startsWith("javascript:")) env.guarded(() => (0, inner.eval)(decodeURIComponent(href.slice(11))));
  }
  env.tampered = new WeakSet();
  // The page is told once that it has loaded, by restart.js; the browser would say so again, whenever it gets there.
  window.addEventListener("load", (event) => event.isTrusted && event.target === document && event.stopImmediatePropagation(), true);
  env.shutDoors = function (inner) {
    inner.addEventListener("submit", (event) => event.preventDefault());
    inner.addEventListener("click", (event) => follow(event, inner));
    // A click that a page stops on its way would never get here, and its link be followed by the browser.
    for (const name of ["stopPropagation", "stopImmediatePropagation"]) {
      const stop = inner.Event.prototype[name];
      inner.Event.prototype[name] = function () {
        if (this.type === "click" && this.target) follow(this, inner);
        if (this.type === "submit") this.preventDefault();
        return stop.call(this);
      };
    }
    // Scroll events of the browser come with its frames, that is, with real time; scrolling here sends its own.
    inner.addEventListener("scroll", (event) => event.isTrusted && event.stopImmediatePropagation(), true);
    inner.addEventListener("click", ({ target }) => {
      if (target.nodeType !== 1 || env.tampered.has(target)) return;
      env.tampered.add(target);
      env.brush();
    }, true);
  };
  env.shutDoors(window);
})();
