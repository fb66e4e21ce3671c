// How a generated form looks: layouts, labels, names, pages, and elements that nobody asked for.
(function (env) {
  const { make } = env;
  const page = env.formData.page;
  const words = (text) => text.toLowerCase().split(/[^a-z0-9]+/).filter(Boolean);
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const LAYOUTS = ["column", "compact", "table", "fieldsets"];
  const LABELS = ["before", "above", "placeholder"];
  const CLASSES = ["", "field", "form-control", "c-input"];
  const GROUPS = new Set(["radio", "checkbox"]);
  const WORDLESS = new Set(["date", "time", "range", "select", ...GROUPS]); // have no room for a placeholder
  const COLORS = ["gray", "teal", "orange", "navy"];
  const NAMES = {
    kebab: (text) => words(text).join("-"),
    snake: (text) => words(text).join("_"),
    camel: (text) => words(text).map((word, at) => (at ? capital(word) : word)).join(""),
    prefixed: (text) => "txt" + words(text).map(capital).join(""),
    numbered: (text, at) => `field-${at}`,
    opaque: (text, at, draw) => Array.from({ length: 5 }, () => draw.pick("abcdefghkmnpqrstuvwxyz23456789")).join(""),
  };

  const button = (type, id, text, asInput) =>
    asInput ? make("input", { type, id, value: text }) : make("button", { type, id, textContent: text });

  // Gives ids and names of one scheme, every one once.
  function naming(scheme, draw) {
    const taken = new Set();
    return (text) => {
      const plain = NAMES[scheme](text, taken.size + 1, draw) || "x";
      let name = plain;
      for (let i = 2; taken.has(name); i++) name = `${plain}${i}`;
      taken.add(name);
      return name;
    };
  }

  function caption(control, style) {
    const text = style.colon ? control.label + ":" : control.label;
    const above = style.labels !== "before" || style.layout === "compact";
    const properties = { textContent: text, ...(above && style.layout !== "table" ? { className: "above" } : {}) };
    return control.labelled ? make("label", { ...properties, htmlFor: control.labelled.id }) : make("b", properties);
  }

  function build(fact, style, name, draw) {
    const label = draw.pick([capital(fact.key), ...(env.formData.kinds[fact.key] || { labels: [] }).labels]);
    const placed = style.labels === "placeholder" && !WORDLESS.has(fact.widget);
    const id = name(placed ? label : fact.key);
    const { none, apart } = style;
    const control = env.widget({ ...fact, id, name: id, label, placeholder: placed ? label : "", none, apart });
    if (style.className && control.labelled) control.labelled.className = style.className;
    return { control, parts: [placed || fact.single ? null : caption(control, style), control.nodes] };
  }

  // Elements beside the fields: [head or null, nodes] like those, and their controls.
  function distract(count, style, name, draw, spare) {
    const left = spare.filter(({ widget }) => !GROUPS.has(widget));
    const found = [];
    const add = (node) => found.push({ parts: [null, [node]], control: null });
    const extra = (fact) => {
      const built = build({ value: "", preset: "", options: [], ...fact }, style, name, draw);
      built.control.key = null;
      found.push(built);
    };
    for (let i = 0; i < count; i++) {
      const kind = draw.below(10);
      if (kind < 3) add(make("a", { href: "#", textContent: draw.pick(page.links) }));
      else if (kind < 5) add(button("button", name("button"), draw.pick(page.buttons)));
      else if (kind < 6) extra({ key: "tick", widget: "checkbox", options: [draw.pick(page.ticks)], single: true });
      else if (kind < 8 && left.length) extra(left.shift());
      else if (kind < 9) extra({ key: draw.pick(page.inputs), widget: "text" });
      else {
        const [key, options] = draw.pick(page.lists).split(": ");
        extra({ key, widget: "select", options: options.split(", ") });
      }
    }
    for (let i = 0; i < Math.ceil(count / 8); i++) {
      if (draw.chance(0.5)) add(make("p", { textContent: draw.pick(page.texts) }));
      else add(env.picture(draw.pick(["circle", "rect"]), draw.pick(COLORS)));
    }
    return draw.shuffled(found);
  }

  // Puts the parts of one page into its layout, with few elements of its own: every one is a node to observe.
  const ARRANGE = {
    column: (parts) =>
      parts.flatMap(([head, nodes], at) => {
        const last = head || !parts[at + 1] || parts[at + 1][0];
        return [...(head ? [head, " "] : []), ...nodes, last ? make("br") : " "];
      }),
    compact: (parts) =>
      parts.flatMap(([head, nodes]) => (head ? [make("div", { className: "half" }, head, ...nodes)] : [...nodes, " "])),
    table: (parts) => {
      const body = make("tbody");
      let wide = null; // the cell that takes neighbours without a head
      for (const [head, nodes] of parts) {
        if (head || !wide) {
          const cells = head ? [make("td", {}, head), make("td", {}, ...nodes)] : [(wide = make("td", { colSpan: 2 }))];
          body.append(make("tr", {}, ...cells));
        }
        if (head) wide = null;
        else wide.append(...nodes, " ");
      }
      return [make("table", {}, body)];
    },
    fieldsets: (parts, draw) => {
      const sets = [];
      for (let at = 0; at < parts.length; ) {
        const size = 2 + draw.below(3);
        const rows = ARRANGE.column(parts.slice(at, at + size));
        sets.push(make("fieldset", {}, make("legend", { textContent: draw.pick(page.legends) }), ...rows));
        at += size;
      }
      return sets;
    },
  };

  function drawStyle(draw) {
    const labels = draw.pick(LABELS);
    // Without labels the ids tell what is what.
    const schemes = Object.keys(NAMES).slice(0, labels === "placeholder" ? 4 : undefined);
    const name = naming(draw.pick(schemes), draw);
    const style = {
      labels, layout: draw.pick(LAYOUTS), colon: draw.chance(0.5), className: draw.pick(CLASSES),
      apart: draw.chance(0.5), none: draw.pick(page.choose),
      heading: draw.chance(0.5) ? draw.pick(page.headings) : "", asInput: draw.chance(0.3),
    };
    return { name, style };
  }

  // Deals the fields out to the pages in order, and what nobody asked for to anywhere between them.
  function deal(fields, others, count, draw) {
    const share = (at) => Math.ceil((at * fields.length) / count);
    const pages = Array.from({ length: count }, (_, at) => fields.slice(share(at), share(at + 1)));
    for (const item of others) {
      const items = draw.pick(pages);
      items.splice(draw.below(items.length + 1), 0, item);
    }
    return pages;
  }

  function layPage(items, at, count, { style, look, buttons }) {
    const heading = style.heading && !at ? [make("h3", { textContent: style.heading })] : [];
    const step = count > 1 ? [make("p", { textContent: `Step ${at + 1} of ${count}` })] : [];
    const body = items.length
      ? ARRANGE[style.layout](items.map(({ parts }) => parts), look)
      : [make("p", { textContent: "Nothing to fill in here." })];
    const foot = make("div", {}, ...buttons);
    return make("form", { noValidate: true, hidden: at > 0 }, ...heading, ...step, ...body, foot);
  }

  // Returns the nodes of the form, its controls, buttons and which of its pages shows.
  env.layForm = function (facts, { options, spare, look, noise }) {
    const { name, style } = drawStyle(look);
    const [next, back, submit] = ["next", "back", "submit"].map((kind) => look.pick(page[kind]));
    const turn = (text, type) => button(type, name(text), text, style.asInput);
    const fields = facts.map((fact) => build(fact, style, name, look));
    const pages = deal(fields, distract(options.elements, style, name, noise, spare), options.pages, noise);
    const last = pages.length - 1;
    const turns = pages.map((_, at) => ({
      back: at ? turn(back, "button") : null, next: turn(at < last ? next : submit, "submit"),
    }));
    const nodes = pages.map((items, at) =>
      layPage(items, at, pages.length, { style, look, buttons: Object.values(turns[at]).filter(Boolean) }));
    const controls = pages.flatMap((items, at) =>
      items.filter(({ control }) => control).map(({ control }) => Object.assign(control, { page: at })));

    let shown = 0;
    const show = (at) => () => {
      nodes[shown].hidden = true;
      nodes[(shown = at)].hidden = false;
      window.scrollTo(0, 0);
    };
    turns.forEach(({ back: before, next: after }, at) => {
      if (before) before.onclick = show(at - 1);
      if (at < last) after.onclick = show(at + 1);
    });
    return { nodes, controls, turns, last, page: () => shown, submit: { node: turns[last].next, text: submit } };
  };
})(window.__env);
