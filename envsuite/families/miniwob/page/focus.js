// The focus of a page that nobody looks at: its window is minimised, so that no frames are drawn, and a browser sends
// no focus events there. They are sent here; where the browser does send them, nothing is added.
(function (env) {
  let last = null;
  Object.defineProperty(document, "hidden", { value: false });
  Object.defineProperty(document, "visibilityState", { value: "visible" });
  document.hasFocus = () => true;

  window.addEventListener("focusin", (event) => event.isTrusted && (last = event.target), true);
  window.addEventListener("focusout", (event) => event.isTrusted && (last = null), true);

  function send(target, types, relatedTarget) {
    if (!target || !target.isConnected) return;
    for (const type of types) {
      if (env.hears(type)) target.dispatchEvent(new FocusEvent(type, { bubbles: type.length > 5, composed: true, view: window, relatedTarget }));
    }
  }

  // `:focus` holds in a window in front only; styles and scripts of a page get an attribute instead.
  const FOCUS = /:focus(?![-\w])/g;
  for (const prototype of [Element.prototype, Document.prototype, DocumentFragment.prototype]) {
    for (const name of ["matches", "webkitMatchesSelector", "closest", "querySelector", "querySelectorAll"]) {
      if (!prototype[name]) continue;
      // A proxy says of itself what the native function does: jQuery asks, and else uses an engine that throws dice.
      prototype[name] = new Proxy(prototype[name], {
        apply(native, self, [selector, ...rest]) {
          const text = typeof selector === "string" && selector.includes(":focus") ? selector.replace(FOCUS, "[data-focus]") : selector;
          return Reflect.apply(native, self, [text, ...rest]);
        },
      });
    }
  }
  let marked = null;
  function mark(element) {
    if (marked) marked.removeAttribute("data-focus");
    marked = element;
    if (marked) marked.setAttribute("data-focus", "");
  }

  // Sends what a change of the focus since the last call should have sent.
  env.syncFocus = function () {
    const now = env.active() === env.active().ownerDocument.body ? null : env.active();
    if (now !== marked) mark(now);
    if (now === last) return;
    const before = last;
    last = now;
    send(before, ["blur", "focusout"], now);
    if (last === now) send(now, ["focus", "focusin"], before);
  };
  env.forgetFocus = function () {
    last = null;
    mark(null);
  };

  for (const prototype of [HTMLElement.prototype, SVGElement.prototype]) {
    for (const name of ["focus", "blur"]) {
      const native = prototype[name];
      prototype[name] = function (...args) {
        if (name === "focus" && !args[0]?.preventScroll) env.touch(); // it may scroll
        native.apply(this, args);
        env.syncFocus();
      };
    }
  }
})(window.__env);
