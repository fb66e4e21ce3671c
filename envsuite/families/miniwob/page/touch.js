// Whether anything that an observation shows may have changed since the last one: if not, nothing needs to be read.
// The document's own changes are recorded (restart.js); here is noticed what leaves no record there.
(function (env) {
  const SOFT = 1, HARD = 2;
  let level = HARD;
  let version = 0;
  let state = null; // rules of the page that look at a control's state, and at the focus

  // Said where elements may have come, gone, moved or changed their looks.
  env.touch = function () {
    level = HARD;
    version += 1;
  };
  // Said where only the focus, or what controls hold, has changed.
  const soften = (styled) => (styled ? env.touch() : void (level = Math.max(level, SOFT)));
  env.brush = () => soften(state?.controls);
  env.brushFocus = () => soften(state?.focus);
  env.readStyles = function () {
    const [, ...sheets] = document.styleSheets; // the first is our own
    const rules = sheets.map((sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join()).join();
    state = { controls: /:(checked|indeterminate|default|(user-)?(in)?valid|placeholder-shown|(in|out-of)-range)/.test(rules), focus: rules.includes("[data-focus") };
  };

  // Returns 0 where nothing has changed since the last call, 1 where only focus and controls have, otherwise 2.
  env.takeTouched = function () {
    env.noteChanges();
    const was = level;
    level = 0;
    return was;
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
    [Element.prototype, "scroll", "scrollTo", "scrollBy", "scrollIntoView", "scrollIntoViewIfNeeded"],
    [CSSStyleSheet.prototype, "insertRule", "deleteRule", "addRule", "removeRule", "replaceSync"],
  ];
  for (const [owner, ...names] of METHODS) {
    for (const name of names) env.watchMethod(owner, name, env.touch);
  }
  // Links to "#" scroll, most often from the top to the top.
  for (const name of ["scroll", "scrollTo", "scrollBy"]) {
    const native = window[name];
    window[name] = function (...args) {
      const before = [scrollX, scrollY];
      native.apply(this, args);
      if (scrollX !== before[0] || scrollY !== before[1]) env.touch();
    };
  }
  for (const name of ["scrollTop", "scrollLeft"]) env.watchProperty(Element.prototype, name, env.touch);
  for (const type of ["input", "change", "reset"]) window.addEventListener(type, env.brush, true);
})(window.__env);
