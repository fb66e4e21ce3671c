// The page as a list of nodes in a compact form; NODES below is the layout that Python reads.
(function (env) {
  const SKIPPED = new Set(["reward-display", "sync-task-cover", "click-canvas", "query", "query-wrap"]);
  const SILENT = new Set(["SCRIPT", "STYLE", "TITLE", "META", "LINK", "NOSCRIPT", "DEFS"]);
  const POINTED = "a, button, input, select, textarea, label, option, summary, [onclick], [onmousedown], [contenteditable=true], [role=button], [tabindex]";
  const TYPED = /^input_(text|password|search|email|url|tel|number|date|time|month|week|datetime-local|color|range)$|^(textarea|select)$/;
  const FLAGS = { focused: 1, tampered: 2, leaf: 4, actionable: 8, typeable: 16, checked: 32, disabled: 64, in_view: 128, pressed: 256 };
  const encoder = new TextEncoder();
  let options = null; // {tags: {name: index}, limits: [text, value, id, classes], mode, buckets, colors, most}
  let bytes = null, words = null;
  let refs = null, lastRef = 0;
  env.rows = []; // row of the last observation -> element

  env.setLayout = function (layout) {
    options = layout;
    bytes = new Uint8Array(1 << 20);
    words = new Int16Array(bytes.buffer);
  };
  env.resetRefs = function () {
    refs = new WeakMap();
    lastRef = 0;
    env.tampered = new WeakSet();
  };

  function tagOf(element) {
    const name = element.tagName.toLowerCase();
    return name === "input" ? "input_" + element.type : name;
  }

  function isActionable(element) {
    if (element.matches(POINTED)) return !element.disabled;
    return env.listening.has(element) || delegated.has(element);
  }

  // jQuery's delegated handlers hang on an ancestor and name a selector.
  let delegated = new Set();
  function findDelegated() {
    delegated = new Set();
    if (!window.jQuery || !jQuery.cache) return;
    for (const data of Object.values(jQuery.cache)) {
      if (!data || !data.events) continue;
      for (const type of ["click", "mousedown", "mouseup", "mouseover"]) {
        for (const handler of data.events[type] || []) {
          if (!handler || !handler.selector) continue;
          env.guarded(() => document.querySelectorAll(handler.selector).forEach((each) => delegated.add(each)));
        }
      }
    }
  }

  function valueOf(element, tag) {
    if (tag === "input_checkbox" || tag === "input_radio") return "";
    if (tag === "select") return [...element.selectedOptions].map((each) => each.text.trim()).join(" ");
    return tag === "textarea" || tag.startsWith("input_") ? element.value : "";
  }

  function refOf(node) {
    let ref = refs.get(node);
    if (ref === undefined) refs.set(node, (ref = ++lastRef));
    return ref;
  }

  const range = document.createRange();
  const blank = /^\s*$/;

  function walk() {
    const found = { columns: [], strings: [[], [], [], []], colors: [], rows: [], dropped: 0 };
    findDelegated();
    visit(document.body, -1, found, { dx: 0, dy: 0, view: window, active: env.active() });
    return found;
  }

  function put(found, node, parent, tag, rect, flags, place, text, value, id, classes) {
    if (found.rows.length >= options.most) {
      found.dropped += 1;
      return -1;
    }
    const row = found.rows.push(node) - 1;
    found.columns.push(refOf(node) & 32767, parent, options.tags[tag] ?? 0, clip(rect.left + place.dx), clip(rect.top + place.dy), clip(rect.width), clip(rect.height), flags);
    const { strings } = found;
    strings[0].push(text);
    strings[1].push(value);
    strings[2].push(id);
    strings[3].push(classes);
    return row;
  }
  const clip = (value) => Math.max(-32768, Math.min(32767, Math.round(value)));

  function visit(element, parent, found, place) {
    if (SKIPPED.has(element.id) || SILENT.has(element.tagName)) return;
    let rect = element.getBoundingClientRect();
    const isOption = element.tagName === "OPTION";
    if (isOption && !rect.width && parent >= 0) rect = element.closest("select").getBoundingClientRect();
    let row = parent;
    if (rect.width && rect.height) {
      const style = getComputedStyle(element);
      if (style.visibility !== "hidden") row = addElement(element, parent, found, place, rect, style);
    } else if (!element.getClientRects().length && element.tagName !== "BODY" && element.ownerSVGElement === undefined) return;
    if (element.tagName === "IFRAME") return enterFrame(element, row, found, place, rect);
    // A closed list shows its options while it has the focus, as when it drops down.
    if (element.tagName === "SELECT" && element.size < 2 && !element.multiple && place.active !== element) return;
    const children = element.childNodes;
    const mixed = element.childElementCount > 0;
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      if (child.nodeType === 1) visit(child, row, found, place);
      else if (mixed && child.nodeType === 3 && !blank.test(child.data)) addText(child, row, found, place);
    }
  }

  function addElement(element, parent, found, place, rect, style) {
    const tag = tagOf(element);
    const leaf = element.childElementCount === 0;
    // What an empty field says of itself is its text.
    const written = element.placeholder || (leaf && tag !== "textarea" ? element.textContent : "");
    const text = written && written.trim().replace(/\s+/g, " ");
    let flags = 0;
    if (element === place.active && tag !== "body") flags |= FLAGS.focused;
    if (env.tampered.has(element)) flags |= FLAGS.tampered;
    if (leaf) flags |= FLAGS.leaf;
    if (isActionable(element)) flags |= FLAGS.actionable;
    if (TYPED.test(tag) ? !element.disabled && !element.readOnly : element.isContentEditable && element.matches("[contenteditable]")) flags |= FLAGS.typeable;
    if (element.checked || element.selected) flags |= FLAGS.checked;
    if (element.disabled) flags |= FLAGS.disabled;
    if (rect.top + place.dy < innerHeight && rect.left + place.dx < innerWidth && rect.bottom + place.dy > 0 && rect.right + place.dx > 0) flags |= FLAGS.in_view;
    if (env.pointer().pressed === element) flags |= FLAGS.pressed;
    const classes = typeof element.className === "string" ? element.className : element.getAttribute("class") || "";
    const row = put(found, element, parent, tag, rect, flags, place, text, valueOf(element, tag), element.id || "", classes);
    if (options.colors && row >= 0) {
      const svg = element.ownerSVGElement !== undefined;
      // A chosen option has one colour in a window in front and another behind.
      if (tag === "option") found.colors.push("", "");
      else found.colors.push(svg ? style.fill : style.backgroundColor, svg ? style.stroke : style.color);
    }
    return row < 0 ? parent : row;
  }

  function addText(node, parent, found, place) {
    range.selectNodeContents(node);
    const rect = range.getBoundingClientRect();
    if (!rect.width || !rect.height) return;
    const row = put(found, node, parent, "t", rect, FLAGS.leaf, place, node.data.trim().replace(/\s+/g, " "), "", "", "");
    if (options.colors && row >= 0) found.colors.push("", "");
  }

  function enterFrame(frame, row, found, place, rect) {
    const inner = frame.contentDocument;
    if (!inner || !inner.body) return;
    const style = { dx: place.dx + rect.left, dy: place.dy + rect.top, view: frame.contentWindow, active: place.active };
    visit(inner.body, row, found, style);
  }

  const colorCache = new Map();
  function rgba(text) {
    let color = colorCache.get(text);
    if (!color) {
      const parts = (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
      color = [parts[0], parts[1], parts[2], parts.length > 3 ? Math.round(parts[3] * 255) : 255];
      if (!/^rgb/.test(text)) color = [0, 0, 0, 0];
      colorCache.set(text, color);
    }
    return color;
  }

  const hashes = new Map();
  function bucket(word) {
    let hash = hashes.get(word);
    if (hash === undefined) {
      hash = 2166136261; // FNV-1a over UTF-16 code units
      for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 16777619) >>> 0;
      hash = 1 + (hash % (options.buckets - 1));
      if (hashes.size < 20000) hashes.set(word, hash);
    }
    return hash;
  }

  // [rows, dropped, pointer x, pointer y] and the columns as int16; then lengths and bytes of the texts, or tokens;
  // then colours.
  function pack(found) {
    const count = found.rows.length;
    const { columns, strings } = found;
    const pointer = env.pointer();
    let at = 4;
    words.set([count, Math.min(found.dropped, 32767), clip(pointer.x), clip(pointer.y)]);
    words.set(columns, at);
    at += columns.length;
    let place = at * 2;
    if (options.mode === "tokens") {
      options.limits.forEach((most, kind) => {
        for (const text of strings[kind]) {
          const tokens = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []).slice(0, most).map(bucket);
          words.fill(0, at, at + most);
          words.set(tokens, at);
          at += most;
        }
      });
      place = at * 2;
    } else {
      options.limits.forEach((most, kind) => {
        const lengths = place;
        place += count;
        strings[kind].forEach((text, row) => {
          const { written } = encoder.encodeInto(text, bytes.subarray(place, place + most));
          bytes[lengths + row] = written;
          place += written;
        });
      });
    }
    if (options.colors) {
      for (const color of found.colors) {
        bytes.set(rgba(color), place);
        place += 4;
      }
    }
    return base64(bytes.subarray(0, place));
  }

  const base64 = Uint8Array.prototype.toBase64
    ? (part) => part.toBase64()
    : (part) => {
        let text = "";
        for (let i = 0; i < part.length; i += 8192) text += String.fromCharCode(...part.subarray(i, i + 8192));
        return btoa(text);
      };

  env.observe = function () {
    const found = walk();
    env.rows = found.rows;
    return pack(found);
  };
})(window.__env);
