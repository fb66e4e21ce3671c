// What a form is made of: every widget can be read, filled and compared, and names the next action towards a value.
(function (env) {
  function make(tag, properties, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }
  env.make = make;

  const OFFERS = 5; // suggestions that a list shows at once
  const PICTURED = "http://www.w3.org/2000/svg";
  env.picture = function (shape, color) {
    const image = document.createElementNS(PICTURED, "svg");
    image.setAttribute("width", 16);
    image.setAttribute("height", 16);
    const part = document.createElementNS(PICTURED, shape);
    const size = shape === "circle" ? { cx: 8, cy: 8, r: 7 } : { x: 1, y: 1, width: 14, height: 14 };
    for (const [name, value] of Object.entries({ ...size, fill: color })) part.setAttribute(name, value);
    image.append(part);
    return image;
  };

  // How a value is written in the instruction and how the control holds it.
  const twoDigits = (text) => text.padStart(2, "0");
  function held(type, value) {
    const parts = type === "date" && /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(value);
    if (parts) return `${parts[3]}-${twoDigits(parts[1])}-${twoDigits(parts[2])}`;
    return type === "date" ? "" : value;
  }
  function shown(type, value) {
    const parts = type === "date" && value.split("-");
    return parts && parts.length === 3 ? `${parts[1]}/${parts[2]}/${parts[0]}` : value;
  }

  // The same value however it is written: numbers by their size, dates with both digits, ticks in any order.
  function canonical(widget, value) {
    if (widget === "number" || widget === "range") return value.trim() === "" ? "" : String(Number(value));
    if (widget === "date") return shown("date", held("date", value));
    if (widget === "checkbox") return value.split(", ").sort().join(", ");
    return value.trim();
  }

  const BUILDERS = {
    input({ widget, id, name, range, placeholder }) {
      const input = make("input", { type: widget, id, name });
      if (range) [input.min, input.max, input.step] = range.map(String);
      if (placeholder) input.placeholder = placeholder;
      return {
        nodes: [input],
        labelled: input,
        read: () => shown(widget, input.value),
        write: (value) => void (input.value = held(widget, value)),
        next: (value) => ["type", input, value],
      };
    },
    textarea({ id, name, placeholder }) {
      const area = make("textarea", { id, name });
      if (placeholder) area.placeholder = placeholder;
      return {
        nodes: [area],
        labelled: area,
        read: () => area.value,
        write: (value) => void (area.value = value),
        next: (value) => ["type", area, value],
      };
    },
    select({ id, name, options, none }) {
      const list = make("select", { id, name }, make("option", { value: "", textContent: none }));
      options.forEach((text, at) => list.append(make("option", { value: String(at + 1), textContent: text })));
      const read = () => (list.selectedIndex > 0 ? options[list.selectedIndex - 1] : "");
      return {
        nodes: [list],
        labelled: list,
        read,
        write: (value) => void (list.selectedIndex = options.indexOf(value) + 1),
        next: (value) => ["type", list, value || none],
      };
    },
    radio: (spec) => boxes(spec, "radio"),
    checkbox: (spec) => boxes(spec, "checkbox"),
    // A text field with offers below it; what counts is that its text is one of them.
    autocomplete({ id, name, options, placeholder }) {
      const input = make("input", { type: "text", id, name, autocomplete: "off" });
      if (placeholder) input.placeholder = placeholder;
      const offers = make("ul", { hidden: true });
      const hide = () => {
        offers.hidden = true;
        offers.replaceChildren();
      };
      const choose = (text) => (event) => {
        event.preventDefault(); // the field keeps the focus
        input.value = text;
        hide();
      };
      input.addEventListener("input", () => {
        const typed = input.value.trim().toLowerCase();
        hide();
        if (!typed) return;
        const fits = (text) => text.toLowerCase().indexOf(typed);
        const found = options.filter((text) => fits(text) >= 0).sort((a, b) => (fits(a) > 0) - (fits(b) > 0));
        for (const text of found.slice(0, OFFERS)) {
          const item = make("li", { textContent: text });
          item.addEventListener("mousedown", choose(text));
          offers.append(item);
        }
        offers.hidden = !found.length;
      });
      input.addEventListener("blur", hide);
      return {
        nodes: [make("span", { className: "offers" }, input, offers)],
        labelled: input,
        read: () => (options.includes(input.value.trim()) ? input.value.trim() : input.value && `"${input.value}"`),
        write: (value) => void (input.value = value),
        next: (value) => ["type", input, value],
      };
    },
  };

  function boxes({ id, name, options, single, apart }, type) {
    const numbered = options.map((_, at) => String(at + 1));
    const inputs = numbered.map((value) => make("input", { type, id: `${id}-${value}`, name, value }));
    const nodes = inputs.flatMap((input, at) =>
      apart
        ? [input, make("label", { htmlFor: input.id, textContent: options[at] }), " "]
        : [make("label", { className: "choice" }, input, options[at])]);
    const wanted = (value) => (single || type === "radio" ? [value] : value.split(", "));
    return {
      nodes,
      labelled: null,
      read: () => options.filter((_, at) => inputs[at].checked).join(", "),
      write: (value) => inputs.forEach((input, at) => (input.checked = wanted(value).includes(options[at]))),
      next(value) {
        const wrong = inputs.find((input, at) => input.checked !== wanted(value).includes(options[at]));
        const right = inputs[options.indexOf(value)];
        return (type === "radio" ? right : wrong) ? ["click", type === "radio" ? right : wrong] : null;
      },
    };
  }

  // A widget of a form: {widget, id, name, options, range, none, placeholder, ...} -> nodes and how to deal with them.
  env.widget = function (spec) {
    const built = (BUILDERS[spec.widget] || BUILDERS.input)(spec);
    const is = (value) => canonical(spec.widget, built.read()) === canonical(spec.widget, value);
    return { ...spec, ...built, is };
  };

  // Why no widget of these can hold a value; "" where they can.
  env.refusal = function (widgets, range, value) {
    if (!value || value !== value.trim() || /[\r\n]/.test(value) || value.length > 100) {
      return "a text of 1 to 100 characters on one line, without blanks around it";
    }
    for (const widget of widgets) {
      const what = {
        number: "a number", date: "a day like 03/14/2017", time: "a time like 14:30",
        range: range && `a number from ${range[0]} to ${range[1]} in steps of ${range[2]}`,
        checkbox: "different labels, joined by ', '",
      }[widget];
      if (!what) continue;
      if (widget === "checkbox") {
        const labels = value.split(", ");
        if (labels.some((each) => each !== each.trim() || !each) || new Set(labels).size < labels.length) return what;
        continue;
      }
      const control = BUILDERS.input({ widget, id: "", name: "", range });
      control.write(value);
      if (canonical(widget, control.read()) !== canonical(widget, value) || !control.read()) return what;
    }
    return "";
  };
})(window.__env);
