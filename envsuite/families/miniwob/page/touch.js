// Whether anything that an observation shows may have changed since the last one: if not, nothing needs to be read.
// The document's own changes are recorded (restart.js); here is noticed what leaves no record there.
(function (env) {
  const SOFT = 1, HARD = 2;
  let level = HARD;
  let version = 0;
  let state = null; // whether rules of the page look at a control's state, and the elements whose focus they look at
  let rewritten = new Map(); // element -> name of an attribute that was set -> what it held at the last observation

  // Said where elements may have come, gone, moved or changed their looks.
  env.touch = function () {
    level = HARD;
    version += 1;
  };
  // Said where only the focus, or what controls hold, has changed.
  const soften = (styled) => (styled ? env.touch() : void (level = Math.max(level, SOFT)));
  env.brush = () => soften(state?.controls);
  // Said of every attribute that was set; scripts often set one and set it back.
  env.touchAttribute = function (element, name, before) {
    if (name === "data-focus") return soften(state?.focused && element.matches(state.focused));
    version += 1;
    if (!rewritten.has(element)) rewritten.set(element, new Map());
    const names = rewritten.get(element);
    if (!names.has(name)) names.set(name, before);
  };
  function isRewritten() {
    for (const [element, names] of rewritten) {
      for (const [name, before] of names) if (element.getAttribute(name) !== before) return true;
    }
    return false;
  }
  env.readStyles = function () {
    const [, ...sheets] = document.styleSheets; // the first is our own
    const rules = sheets.map((sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join()).join();
    const focused = [...rules.matchAll(/([^\s>+~,}()]*)\[data-focus\]/g)].map(([, compound]) => compound || "*");
    state = {
      controls: /:(checked|indeterminate|default|(user-)?(in)?valid|placeholder-shown|(in|out-of)-range)/.test(rules),
      focused: focused.join(),
    };
  };

  // Returns 0 where nothing has changed since the last call, 1 where only focus and controls have, otherwise 2.
  env.takeTouched = function () {
    env.noteChanges();
    if (level < HARD && isRewritten()) level = HARD;
    rewritten = new Map();
    const was = level;
    level = 0;
    return was;
  };
  // Whether what elements show, and where, may be other than at the last observation.
  env.isTouched = function () {
    env.noteChanges();
    return level === HARD || isRewritten();
  };
  // Returns a number that is another one when elements may have changed.
  env.version = function () {
    env.noteChanges();
    return version;
  };

  // Runs `told` with the object whenever a script sets the property.
  env.watchProperty = function (prototype, name, told) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
    Object.defineProperty(prototype, name, {
      ...descriptor,
      set(value) {
        told(this);
        descriptor.set.call(this, value);
      },
    });
  };

  // The same for a method that a script calls.
  env.watchMethod = function (owner, name, told) {
    const native = owner[name];
    owner[name] = function (...args) {
      told(this);
      return native.apply(this, args);
    };
  };

  const METHODS = [
    [CSSStyleSheet.prototype, "insertRule", "deleteRule", "addRule", "removeRule", "replaceSync"],
  ];
  for (const [owner, ...names] of METHODS) {
    for (const name of names) env.watchMethod(owner, name, env.touch);
  }

  // Where the page or a part of it has been scrolled to is looked up only if anything ever has: that takes a layout.
  let scrolled = true;
  env.expectScroll = () => (scrolled = true);
  env.noteScroll = function () {
    env.expectScroll();
    env.touch();
  };
  env.hasScrolled = () => scrolled;
  env.forgetScrolls = () => (scrolled = false);
  for (const name of ["scroll", "scrollTo", "scrollBy", "scrollIntoView", "scrollIntoViewIfNeeded"]) {
    env.watchMethod(Element.prototype, name, env.noteScroll);
  }
  for (const name of ["scrollTop", "scrollLeft"]) env.watchProperty(Element.prototype, name, env.noteScroll);
  // Links to "#" scroll, most often from the top to the top.
  for (const name of ["scroll", "scrollTo", "scrollBy"]) {
    const native = window[name];
    window[name] = function (...args) {
      if (!scrolled && args.length === 2 && !args[0] && !args[1]) return;
      const before = [scrollX, scrollY];
      native.apply(this, args);
      if (scrollX !== before[0] || scrollY !== before[1]) env.noteScroll();
    };
  }

  // Nor is the selection, which takes a layout, too.
  let selected = true;
  env.expectSelection = () => (selected = true);
  for (const owner of [window, Document.prototype]) env.watchMethod(owner, "getSelection", env.expectSelection);
  env.clearSelection = function () {
    if (selected) getSelection().removeAllRanges();
    selected = false;
  };

  for (const type of ["input", "change", "reset"]) window.addEventListener(type, env.brush, true);
})(window.__env);
