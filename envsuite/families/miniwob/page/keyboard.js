// The keyboard: key events, and what a browser does with keys in the element that has the focus.
(function (env) {
  const CODES = {
    Enter: 13, Backspace: 8, Delete: 46, Tab: 9, " ": 32, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, ArrowLeft: 37,
    Home: 36, End: 35, PageUp: 33, PageDown: 34, Escape: 27, Shift: 16, Control: 17, Alt: 18, Meta: 91, Insert: 45,
  };
  // Marks have the codes of their keys on an American keyboard, not those of their letters: "(" is no arrow down.
  const MARKS = {};
  for (const [code, marks] of [
    [48, ")"], [49, "!"], [50, "@"], [51, "#"], [52, "$"], [53, "%"], [54, "^"], [55, "&"], [56, "*"], [57, "("], [186, ";:"],
    [187, "=+"], [188, ",<"], [189, "-_"], [190, ".>"], [191, "/?"], [192, "`~"], [219, "[{"], [220, "\\|"], [221, "]}"], [222, "'\""],
  ]) for (const mark of marks) MARKS[mark] = code;
  const SHIFTED = /^[A-Z~!@#$%^&*()_+{}|:"<>?]$/;
  const PLAIN = new Set(["text", "password", "search", "email", "url", "tel", "number"]);
  const SET = new Set(["date", "time", "month", "week", "datetime-local", "color", "range"]);
  const PAGE_PX = 100;
  const nativeAdd = EventTarget.prototype.addEventListener;
  env.hearsKeys = false; // whether anything on the page listens for single keys
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    if (/^key|beforeinput|textInput/.test(type)) env.hearsKeys = true;
    return nativeAdd.call(this === undefined ? window : this, type, listener, options);
  };

  const isA = (element, ...names) => names.includes(element.tagName);
  const editable = (element) =>
    element.isContentEditable ||
    ((isA(element, "TEXTAREA") || (isA(element, "INPUT") && PLAIN.has(element.type))) && !element.disabled && !element.readOnly);
  const changed = (element, ...types) => types.forEach((type) => element.dispatchEvent(new Event(type, { bubbles: true })));

  function sendKey(type, key, modifiers, charCode) {
    const keyCode = charCode || MARKS[key] || CODES[key] || (key.length === 1 ? key.toUpperCase().charCodeAt(0) : 0);
    const init = { key, bubbles: true, cancelable: true, composed: true, view: window, keyCode, charCode: charCode || 0, which: keyCode, ...modifiers };
    return env.active().dispatchEvent(new KeyboardEvent(type, init));
  }

  function selectAll(element) {
    if (element.select) element.select();
    else if (element.isContentEditable) element.ownerDocument.defaultView.getSelection().selectAllChildren(element);
  }

  function setValue(element, text) {
    const before = element.value;
    element.value = text;
    if (element.value !== before) changed(element, "input", "change");
  }

  function pick(list, text) {
    const wanted = text.trim().toLowerCase();
    const options = [...list.options];
    const found = options.find((each) => each.text.trim().toLowerCase() === wanted) ||
      (wanted && options.find((each) => each.text.trim().toLowerCase().startsWith(wanted)));
    if (found && !found.selected) env.choose(found);
  }

  function insert(text) {
    if (!env.hearsKeys) return void env.edit("insertText", text);
    for (const letter of text) press(letter, SHIFTED.test(letter) ? { shiftKey: true } : {});
  }

  // Types a text into the element with the focus; `replace` drops what it holds first.
  env.typeText = function (text, replace) {
    const element = env.active();
    if (element.tagName === "SELECT") return pick(element, text);
    if (element.tagName === "INPUT" && SET.has(element.type)) return setValue(element, isoValue(element, text));
    if (!editable(element)) return void (env.hearsKeys && !replace && insert(text));
    if (replace) selectAll(element);
    if (text) insert(text);
    else if (replace) env.edit("delete");
  };

  // Typed are month/day/year and hour:minute AM or PM, as en-US has it; set are year-month-day and hours to 23.
  function isoValue(element, text) {
    const date = element.type === "date" && /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text.trim());
    if (date) return `${date[3]}-${date[1].padStart(2, "0")}-${date[2].padStart(2, "0")}`;
    const time = element.type === "time" && /^(\d{1,2}):(\d{2})\s*([AP])M$/i.exec(text.trim());
    if (!time) return text.trim();
    const hour = (+time[1] % 12) + (time[3].toUpperCase() === "P" ? 12 : 0);
    return `${String(hour).padStart(2, "0")}:${time[2]}`;
  }

  function nextFocus(back) {
    const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], [contenteditable]")]
      .filter((each) => (each.tabIndex >= 0 || (each.isContentEditable && !each.hasAttribute("tabindex"))) && !each.disabled && each.getClientRects().length);
    if (!all.length) return;
    const at = all.indexOf(env.active());
    const next = all[(at + (back ? -1 : 1) + all.length + (at < 0 && back ? 1 : 0)) % all.length];
    env.focus(next, { byKey: true });
    if (next.select) next.select();
  }

  function enter(element) {
    if (isA(element, "TEXTAREA") || element.isContentEditable) return env.edit("insertText", "\n");
    if (isA(element, "BUTTON") || element.matches("a[href], summary, input[type=submit], input[type=button]")) {
      return element.click();
    }
    if (!isA(element, "INPUT")) return;
    env.commit(element);
    const { form } = element;
    if (!form) return;
    const button = form.querySelector("button:not([type=button]), input[type=submit]");
    const lines = [...form.elements].filter((each) => isA(each, "INPUT") && (PLAIN.has(each.type) || SET.has(each.type)));
    if (button) button.click();
    else if (lines.length < 2) form.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
  }

  function arrow(element, key) {
    const step = key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1;
    const vertical = key === "ArrowUp" || key === "ArrowDown";
    if (element.tagName === "SELECT") {
      const option = element.options[element.selectedIndex + step];
      if (option) env.choose(option);
    } else if (element.tagName === "INPUT" && (element.type === "range" || (element.type === "number" && vertical))) {
      const up = element.type === "range" ? key === "ArrowUp" || key === "ArrowRight" : key === "ArrowUp";
      const before = element.value;
      if (up) element.stepUp();
      else element.stepDown();
      if (element.value !== before) changed(element, "input", "change");
    } else if (element.tagName === "INPUT" && element.type === "radio") {
      const group = [...document.querySelectorAll("input[type=radio]")].filter((each) => each.name === element.name && !each.disabled);
      const next = group[(group.indexOf(element) + step + group.length) % group.length];
      env.focus(next, { byKey: true });
      next.click();
    } else if (editable(element)) {
      env.moveCaret(element, key);
    } else if (vertical) env.onElement.scroll(element, step * 40);
  }

  function edge(element, key) {
    if (editable(element)) env.moveCaret(element, key);
    else env.onElement.scroll(element, key === "Home" ? -1e6 : 1e6);
  }

  function shortcut(element, letter) {
    if (letter === "a") return editable(element) ? selectAll(element) : getSelection().selectAllChildren(document.body);
    const text = element.selectionStart != null ? element.value.slice(element.selectionStart, element.selectionEnd) : String(getSelection());
    if (letter === "c" || letter === "x") env.clipboard = text || env.clipboard;
    if (letter === "x" && editable(element) && text) env.edit("delete");
    if (letter === "v" && editable(element) && env.clipboard) env.edit("insertText", env.clipboard);
  }

  function byDefault(element, key, modifiers) {
    if (modifiers.ctrlKey || modifiers.metaKey) return shortcut(element, key.toLowerCase());
    if (key === " " && !editable(element)) return element.matches("button, input, summary") ? element.click() : env.onElement.scroll(element, PAGE_PX);
    if (key.length === 1) return editable(element) && env.edit("insertText", key);
    if (key === "Enter") return enter(element);
    if (key === "Backspace") return editable(element) && env.edit("delete");
    if (key === "Delete") return editable(element) && env.edit("forwardDelete");
    if (key === "Tab") return nextFocus(modifiers.shiftKey);
    if (key.startsWith("Arrow")) return arrow(element, key);
    if (key === "Home" || key === "End") return edge(element, key);
    if (key.startsWith("Page")) return env.onElement.scroll(element, key === "PageUp" ? -PAGE_PX : PAGE_PX);
    return undefined;
  }

  function press(key, modifiers = {}) {
    const go = sendKey("keydown", key, modifiers);
    const printable = key.length === 1 || key === "Enter";
    const held = modifiers.ctrlKey || modifiers.metaKey || modifiers.altKey;
    if (go && (!printable || held || sendKey("keypress", key, modifiers, key === "Enter" ? 13 : key.charCodeAt(0)))) {
      byDefault(env.active(), key, modifiers);
    }
    sendKey("keyup", key, modifiers);
  }

  const HELD = { ctrlKey: "Control", shiftKey: "Shift", altKey: "Alt", metaKey: "Meta" };
  const MODIFIERS = { C: "ctrlKey", S: "shiftKey", A: "altKey", M: "metaKey" };
  // Presses a key by its name here: "a", "A", "<Enter>", "C-a".
  env.pressKey = function (name) {
    const modifiers = {};
    while (/^[CSAM]-./.test(name)) {
      modifiers[MODIFIERS[name[0]]] = true;
      name = name.slice(2);
    }
    const special = /^<(?:Numpad)?(.+)>$/.exec(name);
    let key = special ? special[1] : name;
    key = { Space: " ", Add: "+", Multiply: "*", Subtract: "-", Divide: "/", Decimal: "." }[key] || key;
    if (SHIFTED.test(key)) modifiers.shiftKey = true;
    const held = Object.keys(HELD).filter((each) => modifiers[each]);
    for (const each of held) sendKey("keydown", HELD[each], modifiers);
    press(key, modifiers);
    for (const each of held) sendKey("keyup", HELD[each], {});
  };
})(window.__env);
