// The page book-flight without its results: Search hands in the origin, the destination and the day.
(function (env) {
  const AREA = { from: "flight-from", to: "flight-to", date: "datepicker" };
  const KEYS = Object.keys(AREA);
  const LEADS = { from: " from: ", to: " to: ", date: " on " };
  const MONTHS = "January February March April May June July August September October November December".split(" ");
  const control = (key) => document.getElementById(AREA[key]);
  const airport = (told) => DOMESTIC_FLIGHTS.find((each) => each.includes(told));
  const upstream = window.genProblem;

  // The page compares as upstream: an airport of its list whose name or code is the one told, and the very day.
  function isRight(key, told) {
    const { value } = control(key);
    if (told === undefined) return value === ""; // not asked for: as it was
    return key === "date" ? value === told : DOMESTIC_FLIGHTS.includes(value) && value.includes(told);
  }

  function fill(key, told) {
    if (key === "date") $("#datepicker").datepicker("setDate", told);
    else control(key).value = airport(told);
  }

  // Which of the flights to take stands in the first bold word; what is left says where from, where to and when.
  function drawn() {
    const [, ...told] = document.querySelectorAll("#query .bold");
    return Object.fromEntries(KEYS.map((key, at) => [key, told[at].textContent]));
  }

  function given(fields) {
    const keys = KEYS.filter((key) => key in fields);
    const unknown = Object.keys(fields).find((key) => !KEYS.includes(key));
    if (unknown !== undefined || !keys.length) throw new Error(`fields: expected some of ${KEYS.join(", ")}, got ${JSON.stringify(unknown ?? "none")}`);
    for (const key of keys) {
      if (key !== "date" && !(fields[key] && airport(fields[key]))) throw new Error(`fields: ${key}: expected an airport of the page, got ${JSON.stringify(fields[key])}`);
    }
    if ("date" in fields) {
      fill("date", fields.date);
      const taken = control("date").value === fields.date;
      control("date").value = "";
      if (!taken) throw new Error(`fields: date: expected month/day/year from 10/01/2016 to 12/31/2016, got ${JSON.stringify(fields.date)}`);
    }
    return Object.fromEntries(keys.map((key) => [key, fields[key]]));
  }

  // The calendar opens on a click and turns by months; its days are links.
  function onCalendar(told) {
    const calendar = document.getElementById("ui-datepicker-div");
    if (!calendar || !calendar.getClientRects().length) return control("date");
    const [month, day, year] = told.split("/").map(Number);
    const text = (name) => calendar.querySelector(`.ui-datepicker-${name}`).textContent;
    const shown = MONTHS.indexOf(text("month")) + 12 * Number(text("year"));
    const turns = month - 1 + 12 * year - shown;
    if (turns) return calendar.querySelector(turns < 0 ? ".ui-datepicker-prev" : ".ui-datepicker-next");
    return [...calendar.querySelectorAll("td a")].find((each) => Number(each.textContent) === day);
  }

  window.genProblem = function () {
    upstream();
    const { fields, subgoal, prefill } = env.reset_options || {};
    const whole = fields === undefined ? drawn() : given(fields);
    const asked = subgoal === undefined ? Object.keys(whole) : env.chosen("subgoal", subgoal, Object.keys(whole), 1);
    const filled = prefill === undefined ? [] : env.chosen("prefill", prefill, asked, 0);
    const told = Object.fromEntries(KEYS.filter((key) => asked.includes(key)).map((key) => [key, whole[key]]));
    const utterance = "Book a one-way flight" + Object.keys(told).map((key) => LEADS[key] + told[key]).join("") + ".";
    $("#query").html("Book a one-way flight" + Object.keys(told).map((key) => `${LEADS[key]}<span class="bold">${told[key]}</span>`).join("") + ".");
    for (const key of filled) fill(key, told[key]);
    const right = (keys) => keys.filter((key) => isRight(key, told[key]));
    $("#search").off("click").on("click", () => {
      const done = right(KEYS).length === KEYS.length;
      core.endEpisode(done ? 1 : -1, done, done ? null : "not the flight of the instruction");
    });
    core.getUtterance = () => ({ utterance, fields: told });
    env.goal = () => right(Object.keys(told)).length / Object.keys(told).length;
    env.oracle = function () {
      if (WOB_DONE_GLOBAL) return null;
      for (const key of ["from", "to"]) {
        if (key in told && !isRight(key, told[key])) return ["type", control(key), airport(told[key])];
      }
      return ["click", isRight("date", told.date) ? document.getElementById("search") : onCalendar(told.date)];
    };
  };
})(window.__env);
