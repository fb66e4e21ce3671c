// The generated form: what it asks for, how it looks and when it is right, all drawn from the episode's seed.
(function (env) {
  const data = env.formData;
  const KINDS = Object.keys(data.kinds);

  // A source of chance of its own for every question, so that what one asks does not move the others.
  function source() {
    const next = new Math.seedrandom(Math.random());
    const below = (count) => Math.floor(next() * count);
    const shuffled = (list) => {
      const copy = [...list];
      for (let i = copy.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [copy[i], copy[j]] = [copy[j], copy[i]];
      }
      return copy;
    };
    return { below, shuffled, pick: (list) => list[below(list.length)], chance: (share) => next() < share };
  }

  // Reads the options of the reset, and says in an error what is wrong with them.

  function whole(value, name, low, high) {
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new Error(`${name}: expected a whole number from ${low} to ${high}, got ${JSON.stringify(value)}`);
    }
    return value;
  }

  function keysIn(list, name) {
    for (const key of list) {
      if (Object.hasOwn(data.kinds, key)) continue;
      throw new Error(`${name}: unknown field ${JSON.stringify(key)}; known are: ${KINDS.join(", ")}`);
    }
    if (new Set(list).size < list.length) throw new Error(`${name}: a field is named twice`);
    return list;
  }

  function valuesIn(given) {
    const values = {};
    for (const key of keysIn(Object.keys(given), "fields")) {
      const { widgets, range } = data.kinds[key];
      values[key] = Array.isArray(given[key]) ? given[key].join(", ") : String(given[key]);
      const expected = env.refusal(widgets, range, values[key]);
      if (!expected) continue;
      throw new Error(`fields: ${JSON.stringify(key)} cannot hold ${JSON.stringify(given[key])}: expected ${expected}`);
    }
    return values;
  }

  function readOptions(given) {
    const { limits } = data;
    const form = given.form || {};
    const values = valuesIn(given.fields || {});
    const fixed = Object.keys(values);
    const listed = (name) => (Array.isArray(given[name]) ? keysIn(given[name], name) : []);
    const named = [...new Set([...fixed, ...listed("subgoal"), ...listed("prefill")])];
    const usual = fixed.length ? named.length : Math.max(named.length, limits.default);
    const fields = Math.max(whole(form.fields ?? usual, "form.fields", 1, limits.fields), named.length);
    if (!["natural", "keyvalue", undefined, null].includes(given.style)) {
      throw new Error(`style: expected "natural" or "keyvalue", got ${JSON.stringify(given.style)}`);
    }
    if (!["train", "heldout", undefined, null].includes(given.split)) {
      throw new Error(`split: expected "train" or "heldout", got ${JSON.stringify(given.split)}`);
    }
    const instructed = fixed.length || fields;
    let { subgoal, prefill } = given;
    if (Array.isArray(subgoal)) {
      if (!subgoal.length) throw new Error("subgoal: expected at least one field");
      const strange = fixed.length && subgoal.find((key) => !fixed.includes(key));
      if (strange) throw new Error(`subgoal: ${strange} is none of the fields given: ${fixed.join(", ")}`);
    } else subgoal = whole(subgoal ?? instructed, "subgoal", 1, instructed);
    const most = Array.isArray(subgoal) ? subgoal.length : subgoal;
    if (!Array.isArray(prefill)) prefill = whole(prefill ?? 0, "prefill", 0, most);
    return {
      values, fixed, named, fields, subgoal, prefill, style: given.style,
      elements: whole(form.elements ?? 0, "form.elements", 0, limits.elements),
      pages: whole(form.pages ?? 1, "form.pages", 1, limits.pages),
      split: given.split || (WOB_DATA_MODE === "test" ? "heldout" : "train"),
    };
  }

  // What the form asks for.

  function compose(key, split, draw) {
    return data.kinds[key].value.replace(/\{(\w+)\}/g, (_, name) => draw.pick(data.words[name][split]));
  }

  function different(key, split, draw, count) {
    const found = new Set();
    for (let tries = 0; found.size < count && tries < 4 * count; tries++) found.add(compose(key, split, draw));
    return [...found];
  }

  const SIZES = { select: [4, 9], radio: [3, 5], checkbox: [4, 6], autocomplete: [8, 12] }; // how many to choose from

  // The facts of a field of every kind, in the order of the data, so that they do not depend on which are taken.
  function facts(options, draw) {
    const found = {};
    for (const key of KINDS) {
      const { widgets, range } = data.kinds[key];
      const widget = draw.pick(widgets);
      const [low, high] = SIZES[widget] || [1, 1];
      const count = low + draw.below(high - low + 1);
      const drawn = different(key, options.split, draw, count);
      const ticks = widget === "checkbox" ? 1 + draw.below(Math.min(data.limits.ticks, drawn.length)) : 1;
      const value = options.values[key] ?? drawn.slice(0, ticks).join(", ");
      const wanted = widget === "checkbox" ? value.split(", ") : [value];
      const list = [...new Set([...wanted, ...drawn])].slice(0, Math.max(count, wanted.length));
      found[key] = { key, widget, value, options: draw.shuffled(list), preset: draw.pick(list) };
      if (widget === "range") Object.assign(found[key], { range, preset: anyOther(range, value, draw) });
    }
    return found;
  }

  // A place of the slider that is not the right one.
  function anyOther([low, high, step], value, draw) {
    const steps = (high - low) / step;
    const at = (Number(value) - low) / step;
    return String(low + ((at + 1 + draw.below(steps)) % (steps + 1)) * step);
  }

  function choose(options, draw) {
    const others = draw.shuffled(KINDS).filter((key) => !options.named.includes(key));
    const taken = new Set([...options.named, ...others.slice(0, options.fields - options.named.length)]);
    const keys = draw.shuffled(KINDS).filter((key) => taken.has(key));
    const order = options.fixed.length ? options.fixed : draw.shuffled(KINDS).filter((key) => taken.has(key));
    const told = Array.isArray(options.subgoal) ? options.subgoal : order.slice(0, options.subgoal);
    const chance = draw.shuffled(KINDS).filter((key) => told.includes(key));
    const filled = Array.isArray(options.prefill) ? options.prefill : chance.slice(0, options.prefill);
    return { keys, told, filled, spare: others.filter((key) => !taken.has(key)) };
  }

  // The instruction.

  const joined = (parts) => [parts.slice(0, -1).join(", "), ...parts.slice(-1)].filter(Boolean).join(" and ");

  function clause({ key, widget, value }, split, draw) {
    const group = Object.values(data.clauses).find((each) => each.widgets.includes(widget));
    const own = data.kinds[key][split === "train" ? "say" : "heldout"];
    const told = widget === "checkbox" ? joined(value.split(", ")) : value;
    return draw.pick([...group[split], ...own]).replace("{key}", () => key).replace("{value}", () => told);
  }

  function instruct(fields, button, { style, split }, draw) {
    const drawn = draw.pick(["natural", "keyvalue"]);
    const frame = draw.pick(data.frames[split]);
    if ((style || drawn) === "keyvalue") return fields.map(({ key, value }) => `${key}: ${value}`).join("; ");
    const clauses = fields.map((field) => clause(field, split, draw));
    const steps = clauses.map((text) => `${text[0].toUpperCase()}${text.slice(1)}.`).join(" ");
    const parts = { list: joined(clauses), steps, button: `"${button}"` };
    return frame.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
  }

  // The episode.

  window.genProblem = function () {
    const options = readOptions(env.reset_options || {});
    const draws = { facts: source(), choice: source(), text: source(), look: source(), noise: source() };
    const known = facts(options, draws.facts);
    const { keys, told, filled, spare } = choose(options, draws.choice);
    const tools = { options, look: draws.look, noise: draws.noise, spare: spare.map((key) => known[key]) };
    const form = env.layForm(keys.map((key) => known[key]), tools);
    const asked = new Set(told);
    // Radio buttons cannot be let go of again: those that are not asked for have a choice to go back to.
    for (const control of form.controls) {
      if (filled.includes(control.key)) control.write(control.value);
      else if (control.widget === "range") control.write(control.preset);
      else if (control.widget === "radio" && !asked.has(control.key)) control.write(control.preset);
      if (!asked.has(control.key)) control.value = control.read(); // what is not asked for stays as it is
    }
    const instructed = told.map((key) => form.controls.find((each) => each.key === key));
    const utterance = instruct(instructed, form.submit.text, options, draws.text);
    const right = (control) => control.is(control.value);

    document.getElementById("query").textContent = utterance;
    document.getElementById("area").replaceChildren(...form.nodes);
    core.EPISODE_MAX_TIME = 10000 + 5000 * options.fields;
    core.getUtterance = () => ({ utterance, fields: Object.fromEntries(told.map((key) => [key, known[key].value])) });
    form.submit.node.onclick = () => {
      const done = form.controls.every(right);
      core.endEpisode(done ? 1 : -1, done, done ? null : "not as the instruction says");
    };
    env.goal = () => instructed.filter(right).length / instructed.length;
    env.oracle = () => {
      if (WOB_DONE_GLOBAL) return null;
      const wrong = form.controls.filter((control) => !right(control));
      const here = wrong.find((control) => control.page === form.page());
      if (here) return here.next(here.value);
      const goal = wrong.length ? wrong[0].page : form.last;
      if (goal === form.page()) return ["click", form.submit.node];
      return ["click", form.turns[form.page()][goal > form.page() ? "next" : "back"]];
    };
  };
})(window.__env);
