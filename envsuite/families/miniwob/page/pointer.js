// The mouse: moves, presses and releases with the events, focus, selection and widget behaviour of a browser.
(function (env) {
  const HANDLE_PX = 16; // side of the corner by which a text area is resized
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=''], [contenteditable=true]";
  const MOVING = ["over", "enter", "out", "leave"].flatMap((type) => ["pointer" + type, "mouse" + type]);
  let pointer = null;
  env.hear("click"); // it acts by itself: boxes are ticked, labels followed, forms handed in

  env.resetPointer = function () {
    pointer = { x: -1, y: -1, over: null, pressed: null, byPoint: false, anchor: null, handle: null };
  };
  env.resetPointer();
  env.pointer = () => pointer;

  function elementAt(x, y) {
    let found = document.elementFromPoint(x, y);
    let left = 0, top = 0;
    while (found && found.tagName === "IFRAME" && found.contentDocument) {
      const rect = found.getBoundingClientRect();
      left += rect.left;
      top += rect.top;
      const inner = found.contentDocument.elementFromPoint(x - left, y - top);
      if (!inner) break;
      found = inner;
    }
    return found || document.body;
  }

  function offset(element) {
    const frame = element.ownerDocument.defaultView?.frameElement;
    return frame ? frame.getBoundingClientRect() : { left: 0, top: 0 };
  }

  function send(target, type, extra) {
    if (!target || !target.isConnected || !env.hears(type)) return true;
    const { left, top } = offset(target);
    const init = {
      bubbles: !/enter|leave/.test(type), cancelable: true, composed: true, view: target.ownerDocument.defaultView,
      clientX: pointer.x - left, clientY: pointer.y - top, screenX: pointer.x, screenY: pointer.y,
      button: 0, buttons: pointer.pressed ? 1 : 0, ...extra,
    };
    const Kind = type.startsWith("pointer") ? PointerEvent : MouseEvent;
    if (Kind === PointerEvent) Object.assign(init, { pointerId: 1, pointerType: "mouse", isPrimary: true });
    return target.dispatchEvent(new Kind(type, init));
  }

  function both(target, type, extra) {
    send(target, "pointer" + type, extra);
    return send(target, "mouse" + type, extra);
  }

  function lineage(element) {
    const found = [];
    for (let each = element; each; each = each.parentElement) found.push(each);
    return found;
  }

  function moveOver(target) {
    const before = pointer.over;
    pointer.over = target;
    if (before !== target && MOVING.some(env.hears)) {
      const old = lineage(before && before.isConnected ? before : null);
      const fresh = lineage(target);
      if (old.length) {
        both(before, "out", { relatedTarget: target });
        for (const each of old) if (!fresh.includes(each)) both(each, "leave", { relatedTarget: target });
      }
      both(target, "over", { relatedTarget: before });
      for (const each of fresh.reverse()) if (!old.includes(each)) both(each, "enter", { relatedTarget: before });
    }
    both(target, "move");
  }

  function place(x, y) {
    pointer.x = x;
    pointer.y = y;
  }

  function caretAt(x, y) {
    const caret = document.caretPositionFromPoint(x, y);
    return caret && { node: caret.offsetNode, offset: caret.offset };
  }

  const isText = (node) => node.tagName === "TEXTAREA" || (node.tagName === "INPUT" && node.selectionStart !== null);

  function select(from, to) {
    if (!from || !to) return;
    if (isText(from.node)) {
      if (from.node !== to.node) return;
      from.node.setSelectionRange(Math.min(from.offset, to.offset), Math.max(from.offset, to.offset));
    } else if (!isText(to.node) && getComputedStyle(from.node.parentElement || document.body).userSelect !== "none") {
      getSelection().setBaseAndExtent(from.node, from.offset, to.node, to.offset);
    }
  }

  function focusFor(element) {
    const target = element.closest(FOCUSABLE);
    if (target && !target.disabled) env.focus(target, { preventScroll: true });
    else env.unfocus(element.ownerDocument);
  }

  function onHandle(element) {
    if (element.tagName !== "TEXTAREA" || getComputedStyle(element).resize === "none") return false;
    const rect = element.getBoundingClientRect();
    return pointer.x > rect.right - HANDLE_PX && pointer.y > rect.bottom - HANDLE_PX;
  }

  function slide(input, finish) {
    const rect = input.getBoundingClientRect();
    const low = +(input.min || 0), high = +(input.max || 100);
    const value = low + Math.max(0, Math.min(1, (pointer.x - rect.left) / rect.width)) * (high - low);
    const before = input.value;
    input.value = value;
    if (input.value !== before) input.dispatchEvent(new Event("input", { bubbles: true }));
    if (finish) input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const isRange = (element) => element?.tagName === "INPUT" && element.type === "range" && !element.disabled;

  function press(target, byPoint, count) {
    pointer.pressed = target;
    const allowed = both(target, "down", { detail: count });
    pointer.anchor = null;
    pointer.byPoint = byPoint;
    if (!allowed) return;
    focusFor(target);
    if (!byPoint) return;
    if (!target.closest("button, input[type=button], input[type=submit]")) {
      getSelection().removeAllRanges(); // a button leaves the selection as it is
      pointer.anchor = caretAt(pointer.x, pointer.y);
      select(pointer.anchor, pointer.anchor);
    }
    if (onHandle(target)) {
      const rect = target.getBoundingClientRect();
      pointer.handle = { dx: rect.width - pointer.x, dy: rect.height - pointer.y };
    } else if (isRange(target)) slide(target, false);
  }

  function drag() {
    const target = pointer.pressed;
    if (pointer.handle) {
      target.style.width = Math.max(HANDLE_PX, pointer.x + pointer.handle.dx) + "px";
      target.style.height = Math.max(HANDLE_PX, pointer.y + pointer.handle.dy) + "px";
    } else if (isRange(target)) slide(target, false);
    else select(pointer.anchor, caretAt(pointer.x, pointer.y));
  }

  function release(target, count) {
    const from = pointer.pressed;
    pointer.pressed = null;
    both(target, "up", { detail: count, buttons: 0 });
    if (isRange(from) && pointer.byPoint) slide(from, true);
    pointer.handle = pointer.anchor = null;
    if (!from || !from.isConnected) return;
    const common = lineage(from).find((each) => each.contains(target));
    if (common && !common.disabled) click(common, count);
  }

  function click(target, count) {
    const option = target.tagName === "OPTION" ? target : null;
    if (option && !option.disabled) choose(option);
    send(target, "click", { detail: count, buttons: 0 });
    env.syncFocus(); // the browser has, where a page stops the click on its way
  }

  // Selects an option as a click in its list does.
  function choose(option) {
    const list = option.closest("select");
    if (!list || list.disabled) return;
    if (list.multiple) option.selected = !option.selected;
    else if (option.selected) return;
    else option.selected = true;
    for (const type of ["input", "change"]) list.dispatchEvent(new Event(type, { bubbles: true }));
  }
  env.choose = choose;

  // The centre of an element, or of the list that an option belongs to.
  function centre(element) {
    const rect = env.rectOf(element);
    const { left, top } = offset(element);
    place(Math.round(left + rect.left + rect.width / 2), Math.round(top + rect.top + rect.height / 2));
  }

  env.onElement = {
    hover(element) {
      centre(element);
      moveOver(element);
      if (pointer.pressed) drag();
    },
    press(element) {
      env.onElement.hover(element);
      press(element, false, 1);
    },
    release(element) {
      env.onElement.hover(element);
      release(element, 1);
    },
    click(element) {
      env.onElement.press(element);
      release(element, 1);
    },
    double(element) {
      env.onElement.click(element);
      press(element, false, 2);
      release(element, 2);
      send(element, "dblclick", { detail: 2 });
    },
    scroll(element, pixels) {
      let each = element;
      while (each && !(each.scrollHeight > each.clientHeight && /auto|scroll/.test(getComputedStyle(each).overflowY)) && each.tagName !== "TEXTAREA" && each.tagName !== "SELECT") {
        each = each.parentElement;
      }
      const target = each || element.ownerDocument.scrollingElement;
      const before = target.scrollTop;
      target.scrollTop += pixels;
      env.scrolled(target);
      if (target.scrollTop !== before) (each || element.ownerDocument).dispatchEvent(new Event("scroll", { bubbles: !each }));
    },
  };

  env.atPoint = {
    move(x, y) {
      place(x, y);
      moveOver(elementAt(x, y));
      if (pointer.pressed) drag();
    },
    press(x, y) {
      env.atPoint.move(x, y);
      press(elementAt(x, y), true, 1);
    },
    release(x, y) {
      env.atPoint.move(x, y);
      release(elementAt(x, y), 1);
    },
    click(x, y) {
      env.atPoint.press(x, y);
      release(elementAt(x, y), 1);
    },
    double(x, y) {
      env.atPoint.click(x, y);
      press(elementAt(x, y), true, 2);
      release(elementAt(x, y), 2);
      send(elementAt(x, y), "dblclick", { detail: 2 });
    },
    scroll(x, y, pixels) {
      env.atPoint.move(x, y);
      env.onElement.scroll(elementAt(x, y), pixels);
    },
  };
})(window.__env);
