// The page as a list of nodes in a compact form; NODES below is the layout that Python reads.
(function (env) {
  const SKIPPED = new Set(["reward-display", "sync-task-cover", "click-canvas", "query", "query-wrap"]);
  const SILENT = new Set(["SCRIPT", "STYLE", "TITLE", "META", "LINK", "NOSCRIPT", "DEFS"]);
  const POINTED = "a, button, input, select, textarea, label, option, summary, [onclick], [onmousedown], [contenteditable=true], [role=button], [tabindex]";
  const TYPED = /^input_(text|password|search|email|url|tel|number|date|time|month|week|datetime-local|color|range)$|^(textarea|select)$/;
  const FLAGS = { focused: 1, tampered: 2, leaf: 4, actionable: 8, typeable: 16, checked: 32, disabled: 64, in_view: 128, pressed: 256 };
  const encoder = new TextEncoder();
  let options = null; // {tags: {name: index}, limits: [text, value, id, classes], mode, buckets, colors, most}
  let live = null, fixed = null; // the parts of an observation as they are packed
  let refs = null, lastRef = 0;
  env.rows = []; // row of the last observation -> element

  env.setLayout = function (layout) {
    options = layout;
    const room = 64 + layout.most * (32 + 2 * layout.limits.reduce((sum, each) => sum + each, 0));
    [live, fixed] = [room, room].map((size) => {
      const bytes = new Uint8Array(size);
      return { bytes, words: new Int16Array(bytes.buffer) };
    });
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
    const found = { columns: [], flags: [], controls: [], scrolls: false, strings: [[], [], [], []], colors: [], rows: [], rects: new Map(), dropped: 0 };
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
    found.columns.push(refOf(node) & 32767, parent, options.tags[tag] ?? 0, clip(rect.left + place.dx), clip(rect.top + place.dy), clip(rect.width), clip(rect.height));
    found.flags.push(flags);
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
    const own = rect;
    const isOption = element.tagName === "OPTION";
    if (isOption && !rect.width && parent >= 0) rect = element.closest("select").getBoundingClientRect();
    let row = parent;
    if (rect.width && rect.height) {
      const style = getComputedStyle(element);
      if (style.visibility !== "hidden") {
        row = addElement(element, parent, found, place, rect, style);
        found.rects.set(element, own);
      }
    } else if (!element.getClientRects().length && element.tagName !== "BODY" && element.ownerSVGElement === undefined) return;
    if (element.tagName === "IFRAME") return enterFrame(element, row, found, place, rect);
    // A closed list shows its options while it has the focus, as when it drops down.
    if (element.tagName === "SELECT") {
      const open = element.size > 1 || element.multiple;
      if (!open && place.active !== element) return;
      found.scrolls ||= open;
    }
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
    let flags = liveFlags(element, place.active);
    if (leaf) flags |= FLAGS.leaf;
    if (isActionable(element)) flags |= FLAGS.actionable;
    if (TYPED.test(tag) ? !element.disabled && !element.readOnly : element.isContentEditable && element.matches("[contenteditable]")) flags |= FLAGS.typeable;
    if (element.disabled) flags |= FLAGS.disabled;
    if (rect.top + place.dy < innerHeight && rect.left + place.dx < innerWidth && rect.bottom + place.dy > 0 && rect.right + place.dx > 0) flags |= FLAGS.in_view;
    const classes = typeof element.className === "string" ? element.className : element.getAttribute("class") || "";
    const row = put(found, element, parent, tag, rect, flags, place, text, valueOf(element, tag), element.id || "", classes);
    if (row >= 0 && /^(input|select|textarea)/.test(tag)) found.controls.push([row, element, tag]);
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

  // Two parts. What controls and pointer change: [rows, dropped, pointer x, pointer y] and the flags as int16, then the
  // values. The rest: the other columns as int16, then texts, ids and classes, then colours. Texts are lengths and
  // bytes, or tokens.
  function packLive() {
    const { x, y } = env.pointer();
    const { flags, values, dropped } = seen;
    live.words.set([flags.length, Math.min(dropped, 32767), clip(x), clip(y)]);
    live.words.set(flags, 4);
    seen.live = base64(live.bytes.subarray(0, putTexts(live, values, 1, 2 * (4 + flags.length))));
  }

  function packFixed(found) {
    const { columns, strings, colors } = found;
    fixed.words.set(columns);
    let place = 2 * columns.length;
    for (const kind of [0, 2, 3]) place = putTexts(fixed, strings[kind], kind, place);
    if (options.colors) {
      for (const color of colors) {
        fixed.bytes.set(rgba(color), place);
        place += 4;
      }
    }
    seen.fixed = base64(fixed.bytes.subarray(0, place));
  }

  const putTexts = (part, texts, kind, place) =>
    (options.mode === "tokens" ? putTokens : putStrings)(part, texts, options.limits[kind], place);

  function putTokens({ words }, texts, most, place) {
    for (const text of texts) {
      const tokens = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) || []).slice(0, most).map(bucket);
      words.fill(0, place / 2, place / 2 + most);
      words.set(tokens, place / 2);
      place += 2 * most;
    }
    return place;
  }

  function putStrings({ bytes }, texts, most, place) {
    const lengths = place;
    place += texts.length;
    for (let row = 0; row < texts.length; row++) {
      const text = texts[row];
      const written = text ? encoder.encodeInto(text, bytes.subarray(place, place + most)).written : 0;
      bytes[lengths + row] = written;
      place += written;
    }
    return place;
  }

  const base64 = Uint8Array.prototype.toBase64
    ? (part) => part.toBase64()
    : (part) => {
        let text = "";
        for (let i = 0; i < part.length; i += 8192) text += String.fromCharCode(...part.subarray(i, i + 8192));
        return btoa(text);
      };

  let seen = null; // of the last observation

  // What the state of the page decides of an element that has stayed what it is.
  const LIVE = FLAGS.focused | FLAGS.tampered | FLAGS.checked | FLAGS.pressed;
  function liveFlags(element, active) {
    let flags = 0;
    if (element === active && element.tagName !== "BODY") flags |= FLAGS.focused;
    if (env.tampered.has(element)) flags |= FLAGS.tampered;
    if (element.checked || element.selected) flags |= FLAGS.checked;
    if (env.pointer().pressed === element) flags |= FLAGS.pressed;
    return flags;
  }

  // Reads again what focus and controls have to do with; returns whether there is nothing else to read.
  function refresh() {
    const active = env.active();
    // The list with the focus shows its options.
    if (active !== seen.active && [active, seen.active].some((each) => each.tagName === "SELECT")) return false;
    const { rows } = env;
    const { flags, values } = seen;
    for (let row = 0; row < rows.length; row++) {
      if (rows[row].nodeType === 1) flags[row] = (flags[row] & ~LIVE) | liveFlags(rows[row], active);
    }
    seen.active = active;
    for (const [row, element, tag] of seen.controls) values[row] = valueOf(element, tag);
    return true;
  }

  // The place of an element that was seen in the last observation, if nothing has moved since.
  const rectSeen = (element) => !env.files && seen && !env.isTouched() && seen.rects.get(element);
  env.rectOf = (element) => rectSeen(element) || element.getBoundingClientRect();
  env.isVisible = (element) => Boolean(rectSeen(element)) || element.checkVisibility({ visibilityProperty: true });

  // Returns the parts of the observation.
  env.observe = function () {
    const touched = env.takeTouched();
    // jQuery counts the handlers that it is given, delegated ones among them. What frames hold is not watched, and an
    // open list scrolls to what is chosen when it gets there.
    const known = seen && touched < 2 && !env.files && !seen.scrolls && seen.guid === window.jQuery?.guid;
    const pressed = env.pointer().pressed;
    if (!known || ((touched || pressed !== seen.pressed) && !refresh())) return env.observeAnew();
    seen.pressed = pressed;
    packLive();
    return [seen.live, seen.fixed];
  };

  env.observeAnew = function () {
    const { rows, flags, strings, ...found } = walk();
    env.rows = rows;
    seen = { ...found, flags, values: strings[1], active: env.active(), pressed: env.pointer().pressed, guid: window.jQuery?.guid };
    packLive();
    packFixed({ ...found, strings });
    return [seen.live, seen.fixed];
  };
})(window.__env);
