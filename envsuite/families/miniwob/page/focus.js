// The focus, kept by the page itself. Moving a browser's own costs a call to its main process, and its events come
// only in a window in front, which no page here is. An element that the browser has to edit (editing.js) has its
// focus, too.
(function (env) {
  const FOCUSABLE =
    "a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex], " +
    "[contenteditable=''], [contenteditable=true], audio[controls], video[controls]";
  const INTERACTIVE = "a[href], button, input, select, textarea, summary, iframe, label, [tabindex], [contenteditable]";
  const matches = Element.prototype.matches;
  const nativeActive = Object.getOwnPropertyDescriptor(Document.prototype, "activeElement").get;
  let focused = null; // or nothing has the focus
  let lent = null; // what has the browser's focus, too
  let briefly = false; // for the time of one call
  let home = document; // where keys go while nothing has the focus
  let marked = null;

  const isThere = (element) => element.isConnected && element.ownerDocument.defaultView !== null;
  function current() {
    if (focused && !isThere(focused)) {
      focused = lent = null;
      mark(null);
    }
    return focused;
  }
  // The element with the focus, however deep in frames, else a body.
  env.active = function () {
    const element = current();
    if (element) return element.tagName === "IFRAME" && element.contentDocument ? element.contentDocument.body : element;
    if (!home.defaultView) home = document;
    return home.body;
  };

  // `:focus` would hold for the browser's own; styles and scripts of a page get an attribute instead. It says whether
  // the focus came by the keyboard, since only then every element has a ring.
  function mark(element, byKey) {
    if (marked) marked.removeAttribute("data-focus");
    marked = element;
    if (marked) marked.setAttribute("data-focus", byKey ? "key" : "");
  }

  function tell(target, types, relatedTarget) {
    for (const type of types) {
      if (!isThere(target) || !env.hears(type)) continue;
      const { defaultView } = target.ownerDocument;
      target.dispatchEvent(new FocusEvent(type, { bubbles: type.length > 5, composed: true, view: defaultView, relatedTarget }));
    }
  }

  function takeBack() {
    const element = lent;
    lent = null;
    if (element && isThere(element)) native(element, "blur").call(element);
  }
  const natives = new Map(); // prototype -> its own focus and blur
  function native(element, name) {
    for (const [prototype, own] of natives) if (prototype.isPrototypeOf(element)) return own[name];
    return () => {};
  }

  // Moves the focus as a browser does: changes are told first, then the old element, then the new one.
  function move(to, byKey = false) {
    const from = current();
    if (from === to) return;
    focused = null;
    if (from) {
      env.commit(from);
      takeBack();
      mark(null);
      tell(from, ["blur", "focusout"], to);
      if (focused || (to && !isThere(to))) return; // a listener has decided otherwise
    }
    if (!to) return;
    env.noteChanges(); // what was taken out before had no focus to lose
    focused = to;
    home = to.ownerDocument;
    if (env.isEditedByBrowser(to)) lend(to);
    mark(to, byKey);
    tell(to, ["focus", "focusin"], from);
  }
  function lend(element) {
    lent = element;
    env.expectScroll(); // it is kept in sight while it is edited
    env.expectSelection();
    native(element, "focus").call(element, { preventScroll: true });
  }
  // Lends the browser's focus for the time of a call. What the call changes is told when the page's focus leaves.
  env.lendBriefly = function (element, call) {
    briefly = true;
    try {
      lend(element);
      call();
    } finally {
      takeBack();
      briefly = false;
    }
  };
  env.isLent = (element) => lent === element;

  const isFocusable = (element) =>
    isThere(element) && matches.call(element, FOCUSABLE) && !matches.call(element, ":disabled") && env.isVisible(element);
  env.focus = function (element, { preventScroll = false, byKey = false } = {}) {
    if (element.tagName === "LABEL" && element.control && !matches.call(element, FOCUSABLE)) element = element.control;
    if (!isFocusable(element)) return;
    if (!preventScroll) {
      env.touch();
      element.scrollIntoViewIfNeeded();
    }
    move(element, byKey);
  };
  // Takes the focus from whatever has it; keys go to the body of that document.
  env.unfocus = function (owner) {
    move(null);
    home = owner;
  };

  // Takes over what the browser has moved by itself.
  env.syncFocus = function () {
    let found = nativeActive.call(document);
    while (found && found.tagName === "IFRAME" && found.contentDocument) found = nativeActive.call(found.contentDocument) || found;
    if (!found || found === lent || found === found.ownerDocument.body) return;
    native(found, "blur").call(found);
    if (found !== current()) move(found);
  };
  // What is taken out of the page loses the focus, and does not get it back with its place.
  env.dropFocusOf = function (nodes) {
    if (focused && [...nodes].some((node) => node.contains(focused))) {
      focused = lent = null;
      mark(null);
    }
  };
  env.forgetFocus = function () {
    focused = null;
    home = document;
    takeBack();
    mark(null);
  };

  // A click on a label is one on its control, which gets the focus; the browser would give it its own.
  const clicked = new Set();
  function followLabel(event) {
    const { target } = event;
    if (event.defaultPrevented || target.nodeType !== 1) return;
    const label = target.closest("label");
    const control = label && label.control;
    if (!control || control.contains(target) || clicked.has(label) || target.closest(INTERACTIVE) !== label) return;
    event.preventDefault();
    // Its text may have been dragged over. To ask takes a layout, and without a point nothing is.
    if (event.detail === 1 && env.pointer().byPoint && !label.ownerDocument.getSelection().isCollapsed) return;
    clicked.add(label);
    env.focus(control, { preventScroll: true });
    control.click();
    clicked.delete(label);
  }

  const swallow = (event) => event.isTrusted && event.stopImmediatePropagation();
  // Makes a window's focus this one.
  env.ownFocus = function (inner) {
    Object.defineProperty(inner.document, "hidden", { value: false });
    Object.defineProperty(inner.document, "visibilityState", { value: "visible" });
    inner.document.hasFocus = () => true;
    for (const type of ["focus", "blur", "focusin", "focusout"]) inner.addEventListener(type, swallow, true);
    inner.addEventListener("change", (event) => briefly && swallow(event), true);
    inner.addEventListener("click", followLabel);
    Object.defineProperty(inner.Document.prototype, "activeElement", {
      configurable: true,
      get() {
        let element = current();
        while (element && element.ownerDocument !== this) element = element.ownerDocument.defaultView.frameElement;
        return element || this.body;
      },
    });
    for (const prototype of [inner.HTMLElement.prototype, inner.SVGElement.prototype]) {
      natives.set(prototype, { focus: prototype.focus, blur: prototype.blur });
      prototype.focus = function (options) {
        env.focus(this, options);
      };
      prototype.blur = function () {
        if (this === current()) move(null);
      };
    }
    for (const { prototype } of [inner.HTMLInputElement, inner.HTMLTextAreaElement]) {
      const { select } = prototype;
      prototype.select = function () {
        env.focus(this, { preventScroll: true });
        if (env.isLent(this) || this.selectionStart === null) select.call(this);
        else this.setSelectionRange(0, this.value.length);
      };
    }
  };
  env.ownFocus(window);

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
})(window.__env);
