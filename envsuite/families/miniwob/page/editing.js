// What keys do to the text of a field. One-line fields of plain text are edited here, as a browser edits them; whatever
// else there is to edit is left to the browser, which needs its own focus for it.
(function (env) {
  const LINES = new Set(["text", "password", "search", "url", "tel"]);
  const PLAIN = /^[ -~]*$/;
  const replace = HTMLInputElement.prototype.setRangeText;
  const isLine = (element) => element.tagName === "INPUT" && LINES.has(element.type);
  let edited = null; // the field, and its value before the first edit
  function noteEdit(field) {
    if (edited?.field !== field) edited = { field, value: field.value };
  }

  env.isEditedByBrowser = (element) =>
    element.isContentEditable || element.tagName === "TEXTAREA" || (element.tagName === "INPUT" && (element.type === "email" || element.type === "number"));

  function natively(field, call) {
    noteEdit(field);
    env.lendBriefly(field, call);
  }
  const runCommand = (element, name, value) => element.ownerDocument.execCommand(name, false, value);

  function put(field, start, end, text, inputType, data) {
    if (start === end && !text) return;
    noteEdit(field);
    replace.call(field, text, start, end, "end");
    env.soil(field);
    if (env.hears("input")) field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, inputType, data }));
  }

  function insert(field, text) {
    const { selectionStart: start, selectionEnd: end, value, maxLength } = field;
    const room = maxLength < 0 ? Infinity : maxLength - (value.length - (end - start));
    if (room < 0 || !PLAIN.test(text)) return natively(field, () => runCommand(field, "insertText", text));
    const fitting = text.slice(0, room);
    if (fitting) put(field, start, end, fitting, "insertText", fitting);
  }

  function remove(field, name) {
    let { selectionStart: start, selectionEnd: end } = field;
    const { value } = field;
    const back = name === "delete";
    if (start === end) {
      if (!PLAIN.test(value)) return natively(field, () => runCommand(field, name));
      if (back) start = Math.max(0, start - 1);
      else end = Math.min(value.length, end + 1);
    }
    put(field, start, end, "", back ? "deleteContentBackward" : "deleteContentForward", null);
  }

  // Does a browser's editing command, "insertText", "delete" or "forwardDelete", where the focus is.
  env.edit = function (name, text) {
    const element = env.active();
    if (!isLine(element)) runCommand(element, name, text);
    else if (name === "insertText") insert(element, text);
    else remove(element, name);
  };

  const MOVES = {
    ArrowLeft: ["backward", "character"], ArrowRight: ["forward", "character"], ArrowUp: ["backward", "line"],
    ArrowDown: ["forward", "line"], Home: ["backward", "lineboundary"], End: ["forward", "lineboundary"],
  };
  // Moves the caret as a key does.
  env.moveCaret = function (element, key) {
    const [way, unit] = MOVES[key];
    const modify = () => element.ownerDocument.getSelection().modify("move", way, unit);
    if (!isLine(element)) return modify();
    const { selectionStart: start, selectionEnd: end, value } = element;
    const back = way === "backward";
    if (!PLAIN.test(value) || (unit === "line" && start !== end)) return natively(element, modify);
    let at = back ? 0 : value.length;
    if (unit === "character") at = back ? Math.max(0, start - (start === end)) : Math.min(value.length, end + (start === end));
    element.setSelectionRange(at, at);
  };

  // Tells of the change of a field that is left, or whose form is handed in.
  env.commit = function (element) {
    const done = edited;
    if (!done || done.field !== element) return;
    edited = null;
    if (element.value !== done.value && env.hears("change")) element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  env.forgetEdits = () => (edited = null);
})(window.__env);
