// Brings the page back to what it was after loading: the DOM by undoing its mutations, controls, listeners, timers,
// and what its scripts keep in globals. What cannot be undone is noticed, and the page is loaded anew.
(function (env) {
  const MOST_OBJECTS = 100000;
  const MOST_RECORDS = 50000; // beyond, loading is cheaper than undoing
  const POINTER = new Set(["click", "mousedown", "mouseup", "dblclick", "mouseover", "mouseenter", "pointerdown", "pointerup", "touchstart"]);
  const nativeAdd = EventTarget.prototype.addEventListener;
  const nativeRemove = EventTarget.prototype.removeEventListener;

  // Listeners and handlers.

  let added = []; // [target, type, listener, options]
  let handled = new Map(); // target -> names of its on... properties that were set
  let loadListeners = [];
  let readyListeners = [];
  env.isPointing = (type) => POINTER.has(type);
  env.listening = new WeakSet(); // elements that listen for the pointer
  function listen(element) {
    env.listening.add(element);
    env.touch();
  }

  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const target = this === undefined ? window : this;
    if (target === window && type === "load") return void loadListeners.push(listener);
    if (target === document && type === "DOMContentLoaded") return void readyListeners.push(listener);
    if (POINTER.has(type) && target instanceof Element && target !== document.body) listen(target);
    env.hear(type);
    added.push([target, type, listener, options]);
    return nativeAdd.call(target, type, listener, options);
  };

  function watchHandlers(prototype, target) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
      if (!name.startsWith("on") || !descriptor.set || !descriptor.configurable) continue;
      const pointed = POINTER.has(name.slice(2));
      Object.defineProperty(prototype, name, {
        ...descriptor,
        set(value) {
          const owner = target || this;
          env.hear(name.slice(2));
          if (!handled.has(owner)) handled.set(owner, new Map());
          if (!handled.get(owner).has(name)) handled.get(owner).set(name, descriptor.get.call(owner));
          if (pointed && owner instanceof Element && value) listen(owner);
          descriptor.set.call(owner, value);
        },
      });
    }
  }
  watchHandlers(HTMLElement.prototype);
  watchHandlers(SVGElement.prototype);
  watchHandlers(Document.prototype);
  watchHandlers(window, window);

  function forgetListeners(count) {
    for (let i = added.length - 1; i >= count; i--) nativeRemove.call(...added[i]);
    added.length = count;
    for (const [target, names] of handled) for (const [name, value] of names) target[name] = value;
    handled = new Map();
  }

  // Controls: what is typed or chosen is no mutation of the DOM.

  let dirty = new Set();
  function soil(control) {
    dirty.add(control);
    env.brush();
  }
  env.soil = soil;
  for (const [kind, ...names] of [
    [HTMLInputElement, "value", "checked", "valueAsNumber", "valueAsDate", "indeterminate"], [HTMLTextAreaElement, "value"],
    [HTMLSelectElement, "value", "selectedIndex"], [HTMLOptionElement, "selected"],
  ]) names.forEach((name) => env.watchProperty(kind.prototype, name, soil));
  for (const [kind, ...names] of [[HTMLInputElement, "stepUp", "stepDown", "setRangeText"], [HTMLTextAreaElement, "setRangeText"]]) {
    names.forEach((name) => env.watchMethod(kind.prototype, name, soil));
  }
  for (const type of ["input", "change", "click"]) {
    nativeAdd.call(window, type, (event) => {
      if (event.target instanceof Element && event.target.matches("input, textarea, select, option, label, label *")) {
        env.brush();
        const control = event.target.closest("label")?.control || event.target;
        dirty.add(control);
        if (control.type === "radio") document.querySelectorAll("input[type=radio]").forEach((each) => dirty.add(each));
      }
    }, true);
  }

  // Pages give a text area its text as a child, which shows only in one that was never typed into.
  function resetExactly(area) {
    if (!area.isConnected) return;
    const place = document.createComment("");
    const form = document.createElement("form");
    area.replaceWith(place);
    form.append(area);
    form.reset();
    place.replaceWith(area);
  }

  // A page that sets a value attribute afterwards would need the control's dirty flag cleared too; none does.
  function resetControls() {
    for (const each of dirty) {
      if (each instanceof HTMLOptionElement || each instanceof HTMLSelectElement) {
        const list = each.closest("select");
        if (list) for (const option of list.options) if (option.selected !== option.defaultSelected) option.selected = option.defaultSelected;
      } else if (each.type === "checkbox" || each.type === "radio") {
        each.indeterminate = false;
        if (each.checked !== each.defaultChecked) each.checked = each.defaultChecked;
      } else if (each instanceof HTMLTextAreaElement) resetExactly(each);
      else if (each.value !== each.defaultValue) each.value = each.defaultValue;
    }
    dirty = new Set();
  }

  // The DOM.

  let records = [];
  const observer = new MutationObserver(note);
  function note(fresh) {
    if (!fresh.length) return;
    records.push(...fresh);
    for (const { type, target, attributeName, attributeNamespace, oldValue, removedNodes } of fresh) {
      if (type === "attributes" && !attributeNamespace) env.touchAttribute(target, attributeName, oldValue);
      else env.touch();
      if (removedNodes.length) env.dropFocusOf(removedNodes);
    }
  }
  env.noteChanges = () => note(observer.takeRecords());

  function undo() {
    env.noteChanges();
    if (records.length > MOST_RECORDS) return false;
    for (let i = records.length - 1; i >= 0; i--) {
      const { type, target, oldValue, attributeName, attributeNamespace, addedNodes, removedNodes, nextSibling } = records[i];
      if (type === "attributes") {
        if (oldValue === null) target.removeAttributeNS(attributeNamespace, attributeName);
        else if (target.getAttributeNS(attributeNamespace, attributeName) !== oldValue) {
          if (attributeNamespace) target.setAttributeNS(attributeNamespace, attributeName, oldValue);
          else target.setAttribute(attributeName, oldValue);
        }
      } else if (type === "characterData") target.data = oldValue;
      else {
        for (const node of addedNodes) if (node.parentNode === target) target.removeChild(node);
        for (const node of removedNodes) target.insertBefore(node, nextSibling && nextSibling.parentNode === target ? nextSibling : null);
      }
    }
    return true;
  }

  function scrollBack() {
    if (!env.hasScrolled() && !pristine.lists) return;
    for (const element of pristine.scrollers) {
      if (element.scrollTop) element.scrollTop = 0;
      if (element.scrollLeft) element.scrollLeft = 0;
    }
    window.scrollTo(0, 0);
    env.forgetScrolls();
  }
  // What has been scrolled and outlives the episode.
  env.scrolled = (element) => expandos.has(element) && pristine.scrollers.add(element);

  // What scripts keep: own data properties of everything that is reachable from the page's globals.

  const builtIn = new Set();
  for (const name of Object.getOwnPropertyNames(window)) {
    const value = Object.getOwnPropertyDescriptor(window, name).value;
    if (value && (typeof value === "object" || typeof value === "function") && value !== window) {
      builtIn.add(value);
      if (value.prototype) builtIn.add(value.prototype);
    }
  }
  const blankNames = new Set(Object.getOwnPropertyNames(window));
  const PLAIN_FUNCTION = new Set(["length", "name", "prototype", "arguments", "caller"]);

  function remember(roots) {
    const seen = new Set([window, document]);
    const queue = [...roots];
    const objects = [];
    const nodes = [];
    while (queue.length && seen.size < MOST_OBJECTS) {
      const value = queue.pop();
      if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value)) continue;
      seen.add(value);
      if (value instanceof Node) {
        if (value instanceof Element && !document.contains(value)) nodes.push([value, value.cloneNode(true)]);
        continue;
      }
      if (builtIn.has(value) || ArrayBuffer.isView(value)) continue;
      const kept = [];
      for (const key of Object.getOwnPropertyNames(value)) {
        const descriptor = Object.getOwnPropertyDescriptor(value, key);
        if (!("value" in descriptor)) continue;
        queue.push(descriptor.value);
        if (descriptor.writable && key !== "length" && !(key === "guid" && value === window.jQuery)) kept.push(key);
      }
      const plain = typeof value === "function" ? kept.every((key) => PLAIN_FUNCTION.has(key)) : kept.length === 1 && kept[0] === "constructor";
      if (plain || !Object.isExtensible(value)) continue;
      const copy = Array.isArray(value) ? value.slice() : null;
      objects.push({ value, kept: copy ? null : kept, values: copy || kept.map((key) => value[key]), size: Object.keys(value).length });
    }
    return { objects, nodes };
  }

  function restore({ objects, nodes }) {
    for (let o = 0; o < objects.length; o++) {
      const { value, kept, values, size } = objects[o];
      if (!kept) {
        if (value.length !== values.length) value.length = values.length;
        for (let i = 0; i < values.length; i++) if (value[i] !== values[i]) value[i] = values[i];
        continue;
      }
      for (let i = 0; i < kept.length; i++) {
        const now = value[kept[i]];
        if (now !== values[i] && (now === now || values[i] === values[i])) value[kept[i]] = values[i];
      }
      let count = 0;
      for (const key in value) if (Object.hasOwn(value, key)) count++;
      if (count === size) continue;
      const known = new Set(kept);
      for (const key of Object.keys(value)) if (!known.has(key)) delete value[key];
    }
    for (const [node, clone] of nodes) {
      if (node.isEqualNode(clone)) continue;
      for (const { name } of [...node.attributes]) node.removeAttribute(name);
      for (const { name, value } of clone.attributes) node.setAttribute(name, value);
      node.replaceChildren(...clone.cloneNode(true).childNodes);
    }
  }

  let expandos = null; // element -> own properties that scripts have put on it
  function rememberExpandos() {
    expandos = new Map();
    for (const element of [document, ...document.querySelectorAll("*")]) {
      const keys = Object.keys(element).filter((key) => key !== "location"); // the document's own
      expandos.set(element, keys.length ? keys.map((key) => [key, element[key]]) : null);
    }
  }
  function restoreExpandos() {
    for (const [element, kept] of expandos) {
      for (const key in element) {
        if (!Object.hasOwn(element, key)) break; // own keys come first
        if (key !== "location" && (!kept || !kept.some(([name]) => name === key))) delete element[key];
      }
      if (kept) for (const [key, value] of kept) element[key] = value;
    }
  }

  function forgetGlobals() {
    for (const name of Object.keys(window)) {
      if (pristine.names.has(name)) continue;
      if (!delete window[name]) window[name] = undefined;
    }
    for (const [name, value] of pristine.values) if (window[name] !== value) window[name] = value;
  }

  let pristine = null;
  let used = false;

  // A frame has no address to load from: whatever it is told to show, it shows the page's inner document.
  function openFrames(source) {
    env.hear("*");
    env.fillFrame = function (frame) {
      const inner = frame.contentDocument;
      inner.open();
      inner.write(source);
      inner.close();
      frame.contentWindow.__loaded();
    };
    Object.defineProperty(HTMLIFrameElement.prototype, "src", {
      configurable: true,
      set() {
        env.fillFrame(this);
      },
    });
  }

  // Once, when libraries and task script have run: what is there now is where every episode starts.
  env.settle = function (page) {
    if (page.frame) {
      env.files = page.files;
      openFrames(page.frame);
      env.waitForFrames();
    }
    for (const [, type] of [page.body, ...page.scripts].join().matchAll(/\bon([a-z]+)\b/g)) env.hear(type);
    document.body.innerHTML = page.body;
    for (const source of page.scripts) (0, eval)(source);
    env.adopt();
    for (const listener of readyListeners) env.guarded(() => listener.call(document, new Event("DOMContentLoaded")));
    env.clock.advance(0);
    env.mend();
    for (const listener of loadListeners) env.guarded(() => listener.call(window, new Event("load")));
    if (typeof window.onload === "function") env.guarded(() => window.onload(new Event("load")));
    env.clock.advance(100); // jQuery and others put what they do first behind timers
    if (window.jQuery) jQuery.fx.stop();
    env.clock.keep();
    const names = Object.getOwnPropertyNames(window).filter((name) => !blankNames.has(name) && name !== "__env");
    const values = new Map(names.map((name) => [name, window[name]]));
    env.blur();
    env.readStyles();
    const overflowing = (each) => /auto|scroll|hidden/.test(getComputedStyle(each).overflow);
    handled = new Map();
    dirty = new Set();
    rememberExpandos();
    pristine = {
      reload: page.reload, // what it keeps in closures cannot be undone
      values,
      names: new Set(Object.getOwnPropertyNames(window)),
      listeners: added.length,
      keys: env.hearsKeys,
      state: remember(values.values()),
      body: document.body.cloneNode(true),
      scrollers: new Set([...document.querySelectorAll("body *")].filter((each) => overflowing(each) || each.matches("textarea, select"))),
      lists: document.querySelector("select[size], select[multiple]") !== null, // they scroll by themselves
      listening: [...document.querySelectorAll("*")].filter((each) => env.listening.has(each)),
    };
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true, attributeOldValue: true, characterDataOldValue: true });
  };

  env.blur = function () {
    env.forgetFocus();
    env.forgetEdits();
    env.clearSelection();
  };

  // Returns whether the page is as it was after loading; otherwise it must be loaded again.
  env.restart = function () {
    if ((used && pristine.reload) || document.compatMode !== "CSS1Compat") return false;
    used = true;
    env.touch();
    env.blur();
    env.clock.reset();
    env.settleLibraries();
    forgetListeners(pristine.listeners);
    if (!undo()) return false;
    resetControls();
    scrollBack();
    restoreExpandos();
    forgetGlobals();
    restore(pristine.state);
    env.hearsKeys = pristine.keys;
    env.listening = new WeakSet(pristine.listening);
    records = [];
    observer.takeRecords();
    return document.body.isEqualNode(pristine.body);
  };
})(window.__env);
