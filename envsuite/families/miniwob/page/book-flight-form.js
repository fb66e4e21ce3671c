// The page book-flight without its results: Search hands in the origin, the destination and the day.
(function (env) {
  const AREA = { from: "flight-from", to: "flight-to", date: "datepicker" };
  const MONTHS = "January February March April May June July August September October November December".split(" ");
  const control = (key) => document.getElementById(AREA[key]);
  const upstream = window.genProblem;

  // The page compares as upstream: an airport of its list whose name or code is the one told, and the very day.
  function isRight(key, told) {
    const { value } = control(key);
    return key === "date" ? value === told : DOMESTIC_FLIGHTS.includes(value) && value.includes(told);
  }

  // Which of the flights to take stands in the first bold word; what is left says where from, where to and when.
  function retell() {
    const query = document.getElementById("query");
    const [criterion, ...told] = query.querySelectorAll(".bold");
    criterion.previousSibling.data = "Book a";
    criterion.remove();
    return Object.fromEntries(Object.keys(AREA).map((key, at) => [key, told[at].textContent]));
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
    const told = retell();
    const utterance = document.getElementById("query").textContent.replace(/\s+/g, " ").trim();
    const right = () => Object.keys(AREA).filter((key) => isRight(key, told[key]));
    $("#search").off("click").on("click", () => {
      const done = right().length === 3;
      core.endEpisode(done ? 1 : -1, done, done ? null : "not the flight of the instruction");
    });
    core.getUtterance = () => ({ utterance, fields: told });
    env.goal = () => right().length / 3;
    env.oracle = function () {
      if (WOB_DONE_GLOBAL) return null;
      for (const key of ["from", "to"]) {
        const airport = DOMESTIC_FLIGHTS.find((each) => each.includes(told[key]));
        if (!isRight(key, told[key])) return ["type", control(key), airport];
      }
      return ["click", isRight("date", told.date) ? document.getElementById("search") : onCalendar(told.date)];
    };
  };
})(window.__env);
