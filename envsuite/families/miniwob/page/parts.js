// What an instruction asks for, part by part, on pages where upstream only knows right from wrong: how much of it is
// right, and for curricula some of it right at the start, or asked for alone, or other values than the page has drawn.
(function (env) {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const told = (pattern) => pattern.exec(byId("query").textContent).slice(1);
  const listed = (names) => [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");

  function bold(text) {
    const span = document.createElement("span");
    span.className = "bold";
    span.textContent = text;
    return span;
  }

  function refuse(name, expected, got) {
    throw new Error(`${name}: expected ${expected}, got ${JSON.stringify(got)}`);
  }

  // Those of the names that an option lists, or as many by chance as it says.
  env.chosen = function (option, value, names, least) {
    const count = Array.isArray(value) ? value.length : value;
    const named = Array.isArray(value) ? names.filter((name) => value.includes(name)) : core.shuffle([...names]).slice(0, count);
    if (Number.isInteger(count) && count >= least && count <= names.length && named.length === count) return named;
    return refuse(option, `${least} to ${names.length} of ${names.join(", ")}`, value);
  };

  function known(fields, keys) {
    const unknown = Object.keys(fields).find((key) => !keys.includes(key));
    if (unknown !== undefined || !Object.keys(fields).length) refuse("fields", `some of ${keys.join(", ")}`, unknown ?? "none");
    return fields;
  }

  // A part that a field of one line holds.
  function line(name, value) {
    const control = byId(name);
    if (!value || /[\r\n]/.test(value)) refuse("fields", `a text of one line for ${name}`, value);
    return { name, is: () => control.value === value, fill: () => (control.value = value) };
  }

  const filledBeside = (ids) => (asked) => ids.filter((id) => !asked.some(({ name }) => name === id) && byId(id).value).length;
  const onButton = (hand) => d3.select("#subbtn").on("click", hand);

  // Page -> from the fields of the option, or none: `parts`, in their order; `say` and `tell`, the instruction and its
  // fields for some of them; `strays`, how much is done that those do not ask for; `judge`, who is called to hand in.
  const PAGES = {
    "login-user"(given) {
      const ids = ["username", "password"];
      const [username, password] = told(/username "(.*)" and the password "(.*)" into/);
      const values = given ? known(given, ids) : { username, password };
      const quoted = ({ name }, index) => [index ? " and the " : "", bold(name), ` "${values[name]}"`];
      return {
        parts: ids.filter((id) => id in values).map((id) => line(id, values[id])),
        say: (asked) => ["Enter the ", ...asked.flatMap(quoted), " into the text fields and press login."],
        tell: (asked) => Object.fromEntries(asked.map(({ name }) => [name, values[name]])),
        strays: filledBeside(ids),
        judge: onButton,
      };
    },

    "enter-password"(given) {
      const ids = ["password", "verify"];
      const { target } = given ? known(given, ["target"]) : { target: told(/password "(.*)" into/)[0] };
      const where = (asked) => (asked.length > 1 ? "both text fields" : `the ${asked[0].name === "verify" ? "second" : "first"} text field`);
      return {
        parts: ids.map((id) => line(id, target)),
        say: (asked) => ['Enter the password "', bold(target), `" into ${where(asked)} and press submit.`],
        tell: (asked) => Object.fromEntries(asked.length > 1 ? [["target", target]] : [[asked[0].name, target]]),
        strays: filledBeside(ids),
        judge: onButton,
      };
    },

    // Of the named boxes; other boxes that are ticked count against them.
    "click-checkboxes"(given) {
      const [names] = told(/^Select (.*) and click Submit/);
      if (given) relabel(given);
      const boxes = all("#boxes input");
      const labels = given ? Object.values(given) : names === "nothing" ? [] : names.split(", ");
      const wanted = labels.map((label) => boxes.find((box) => box.parentNode.textContent === label));
      return {
        parts: wanted.map((box, index) => ({ name: `target ${index}`, label: labels[index], box, is: () => box.checked, fill: () => (box.checked = true) })),
        say: (asked) => [`Select ${asked.map(({ label }) => label).join(", ") || "nothing"} and click Submit.`],
        tell: (asked) => Object.fromEntries([...asked.map(({ label }, index) => [`target ${index}`, label]), ["button", "submit"]]),
        strays: (asked) => boxes.filter((box) => box.checked && !asked.some((part) => part.box === box)).length,
        judge: onButton,
      };
    },

    // Of the posts of the user, those whose button is pressed; other pressed buttons count against them.
    "social-media-all"(given) {
      const drawn = Object.fromEntries(all("#query .bold").map((each, index) => [["button", "user"][index], each.textContent]));
      const { button, user } = { ...drawn, ...(given && known(given, ["button", "user"])) };
      const kind = Object.keys(ACTIONS).find((name) => ACTIONS[name] === button);
      if (!kind) refuse("fields: button", `one of ${Object.values(ACTIONS).join(", ")}`, button);
      const posts = all("#area .media").filter((post) => post.querySelector(".username").textContent === user);
      if (!posts.length) refuse("fields: user", `one of ${[...new Set(all("#area .username").map((each) => each.textContent))].join(", ")}`, user);
      const parts = posts.map((post, index) => {
        const control = post.querySelector(`.${kind}`);
        return { name: String(index + 1), control, is: () => control.classList.contains("active"), fill: () => control.classList.add("active") };
      });
      const which = (asked) => {
        if (asked.length === parts.length) return "all posts";
        return `post${asked.length > 1 ? "s" : ""} ${listed(asked.map(({ name }) => name))}`;
      };
      return {
        parts,
        say: (asked) => ['Click the "', bold(button), `" button on ${which(asked)} by `, bold(user), " and then click Submit."],
        tell: (asked) => ({ button, user, ...(asked.length < parts.length && { posts: asked.map(({ name }) => name).join(", ") }), submit: "Submit" }),
        strays: (asked) => all("#area .active").filter((each) => !asked.some(({ control }) => control === each)).length,
        judge: (hand) => $("#submitRow button").off("click").on("click", hand),
      };
    },
  };
  const VARYING = new Set(["click-checkboxes", "social-media-all"]); // how many parts there are, the seed decides

  // Gives boxes by chance the labels that an option asks for, new ones where the page has too few.
  function relabel(given) {
    const labels = Object.values(known(given, Object.keys(given).map((_, index) => `target ${index}`)));
    const wrong = labels.find((label, index) => !label.trim() || label.includes(", ") || labels.indexOf(label) < index);
    if (wrong !== undefined) refuse("fields", "different labels without a comma", wrong);
    const list = byId("boxes");
    while (list.querySelectorAll("label").length < labels.length) {
      const [label, box] = ["label", "input"].map((name) => document.createElement(name));
      box.type = "checkbox";
      box.id = `ch${list.querySelectorAll("label").length}`;
      label.append(box, "");
      list.append(label, document.createElement("br"));
    }
    const taken = core.shuffle(all("label", list)).sort((a, b) => labels.includes(b.textContent) - labels.includes(a.textContent));
    labels.forEach((label, index) => (taken[index].lastChild.data = label));
  }

  // Ends the episode as the asked parts decide, where it is no longer upstream's own.
  function takeOver({ say, tell, strays, judge }, asked) {
    byId("query").replaceChildren(...say(asked));
    const utterance = core.getUtterance();
    const fields = tell(asked);
    core.getUtterance = () => ({ utterance, fields });
    judge(() => {
      const done = asked.every((part) => part.is()) && !strays(asked);
      core.endEpisode(done ? 1 : -1, done, done ? null : "not as the instruction says");
    });
  }

  // After the page has begun its episode: reads its parts, and changes what the options of the reset ask for.
  env.divide = function (page) {
    if (!Object.hasOwn(PAGES, page)) return;
    const { fields, subgoal, prefill } = env.reset_options;
    const episode = PAGES[page](fields);
    const { parts, strays } = episode;
    const names = parts.map(({ name }) => name);
    const most = (option, count) => (VARYING.has(page) && Number.isInteger(option) ? Math.min(option, count) : option);
    const least = Math.min(1, names.length);
    const kept = subgoal === undefined ? names : env.chosen("subgoal", most(subgoal, names.length), names, least);
    const filled = prefill === undefined ? [] : env.chosen("prefill", most(prefill, kept.length), kept, 0);
    const asked = parts.filter(({ name }) => kept.includes(name));
    if (fields !== undefined || subgoal !== undefined) takeOver(episode, asked);
    for (const part of asked) if (filled.includes(part.name)) part.fill();
    env.goal = function () {
      const [right, wrong] = [asked.filter((part) => part.is()).length, strays(asked)];
      return asked.length ? Math.max(0, right - wrong) / asked.length : wrong ? 0 : 1;
    };
  };
})(window.__env);
