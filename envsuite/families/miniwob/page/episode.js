// Episodes: what the pages call `core` decides tasks and rewards; here it starts, steps and ends by the page's clock.
(function (env) {
  let options = null; // {stepMs, page}
  let sent = [null, null]; // the parts of the observation that was sent last
  env.goal = null; // () => share of what the instruction asks that is right; set by parts.js or the page

  env.setOptions = (given) => (options = given);

  // Without what upstream draws beside the page: rewards, countdown, traces of clicks.
  function quieten(core) {
    const nothing = () => {};
    for (const name of ["createDisplay", "reloadDisplay", "updateDisplay", "hideDisplay", "clearTimer", "countdownTimer", "canvasClear", "canvasDrawClick", "canvasDrawElementClick"]) {
      core[name] = nothing;
    }
    core.prepareCanvas = () => false;
    core.startEpisode = nothing;
    core.startEpisodeReal = start;
    core.endEpisode = end;
  }

  function start() {
    core.resetRefCode();
    genProblem();
    env.divide(options.page);
    WOB_DONE_GLOBAL = false;
    WOB_REWARD_GLOBAL = WOB_RAW_REWARD_GLOBAL = 0;
    WOB_REWARD_REASON = null;
    env.clearSelection();
    window.scrollTo(0, 0);
    core.ept0 = Date.now();
    core.EP_TIMER = setTimeout(() => end(-1, false, "timed out"), core.EPISODE_MAX_TIME);
  }

  function end(reward, timeProportional, reason) {
    if (core.EP_TIMER === null) return;
    clearTimeout(core.EP_TIMER);
    core.EP_TIMER = null;
    WOB_RAW_REWARD_GLOBAL = reward;
    WOB_REWARD_REASON = reason;
    const left = Math.max(0, 1 - (Date.now() - core.ept0) / core.EPISODE_MAX_TIME);
    WOB_REWARD_GLOBAL = timeProportional ? reward * left : reward;
    WOB_DONE_GLOBAL = true;
  }

  env.adopt = () => quieten(core);

  function reply(always) {
    const [before, now] = [sent, env.observe()];
    sent = now;
    const [live, fixed] = now.map((part, index) => (part === before[index] && !always ? null : part));
    return [
      WOB_DONE_GLOBAL ? 1 : 0, +WOB_REWARD_GLOBAL || 0, +WOB_RAW_REWARD_GLOBAL || 0, env.clock.now(),
      env.potential(), WOB_REWARD_REASON == null ? "" : String(WOB_REWARD_REASON).slice(0, 200), env.errors, live, fixed,
    ];
  }

  // -1 where the page has no goal that can be looked at.
  env.potential = () => (env.goal ? env.guarded(env.goal) || 0 : -1);

  // Begins the episode that a seed decides; returns the reply, the instruction and the fields the page names itself.
  env.reset = function (seed, mode, extra) {
    env.errors = 0;
    env.clipboard = "";
    env.goal = null;
    env.reset_options = extra || {};
    if (!env.restart()) return null;
    env.recount();
    env.resetPointer();
    env.resetRefs();
    core.setDataMode(mode);
    Math.seedrandom(seed);
    try {
      core.startEpisodeReal();
    } catch (error) {
      return [String(error.message || error)]; // options that the page cannot take
    }
    env.clock.advance(0);
    const instruction = core.getUtterance();
    const told = typeof instruction === "object" ? instruction : { utterance: instruction, fields: null };
    return [reply(true), told.utterance, told.fields, core.EPISODE_MAX_TIME];
  };

  // The next right action of a page that knows it: kind, row and text; null when nothing is left to do.
  env.oracleAction = function () {
    const action = env.oracle();
    return action && [action[0], [env.rows.indexOf(action[1]), ...action.slice(2)]];
  };

  const ACTIONS = {
    wait: () => {},
    click: (row) => env.onElement.click(row),
    double: (row) => env.onElement.double(row),
    hover: (row) => env.onElement.hover(row),
    press: (row) => env.onElement.press(row),
    release: (row) => env.onElement.release(row),
    scroll: (row, pixels) => env.onElement.scroll(row, pixels),
    type: (row, text) => (env.onElement.click(row), env.typeText(text, true)),
    append: (row, text) => (env.onElement.click(row), env.typeText(text, false)),
    text: (text) => env.typeText(text, false),
    key: (name) => env.pressKey(name),
    move_at: (x, y) => env.atPoint.move(x, y),
    click_at: (x, y) => env.atPoint.click(x, y),
    double_at: (x, y) => env.atPoint.double(x, y),
    press_at: (x, y) => env.atPoint.press(x, y),
    release_at: (x, y) => env.atPoint.release(x, y),
    scroll_at: (x, y, pixels) => env.atPoint.scroll(x, y, pixels),
  };
  const ON_ROW = new Set(["click", "double", "hover", "press", "release", "scroll", "type", "append"]);

  function act(name, args) {
    if (!ON_ROW.has(name)) return ACTIONS[name](...args);
    let node = env.rows[args[0]];
    if (node && node.nodeType === 3) node = node.parentElement;
    if (node && node.isConnected) ACTIONS[name](node, ...args.slice(1));
  }

  // Pages within pages bring pictures and fonts that come when they come: there, answers wait for them.
  async function calm() {
    for (let round = 0; round < 2000; round++) {
      const frames = [...document.querySelectorAll("iframe")];
      // On a busy machine a frame's own blank page can come after what was written into it.
      for (const frame of frames) if (!frame.contentWindow.__loaded) env.fillFrame(frame);
      const documents = [document, ...frames.map((frame) => frame.contentDocument)];
      for (const each of documents) each.body.getBoundingClientRect(); // layout asks for what it needs
      const ready = documents.every((each) => each.fonts.status === "loaded" && [...each.images].every((image) => image.complete));
      if (ready && round) return;
      await env.pause(2);
    }
  }
  env.waitForFrames = function () {
    const { reset, step } = env;
    env.reset = async (...args) => {
      const answer = reset(...args);
      if (answer === null || typeof answer[0] === "string") return answer;
      await calm();
      env.resetRefs();
      answer[0] = reply(true);
      return answer;
    };
    env.step = async (name, args, quiet) => {
      step(name, args, true);
      await calm();
      return quiet ? null : reply(false);
    };
    env.replay = async (seed, mode, extra, commands) => {
      const answer = await env.reset(seed, mode, extra);
      if (answer === null) return answer;
      for (const [name, args] of commands) await env.step(name, args, true);
      return [answer, reply(true)];
    };
  };

  // Begins an episode and takes its steps up to a moment; returns both replies.
  env.replay = function (seed, mode, extra, commands) {
    const answer = env.reset(seed, mode, extra);
    if (answer === null || typeof answer[0] === "string") return answer;
    for (const [name, args] of commands) env.step(name, args, true);
    return [answer, reply(true)];
  };

  // An element that is hidden loses the focus: in a browser with the next frame, whenever that comes.
  let checked = -1;
  function dropHiddenFocus() {
    const now = env.version();
    if (now === checked && !env.files) return; // what changes in frames is not counted
    checked = now;
    const element = env.active();
    if (element.tagName !== "BODY" && (element.disabled || !element.checkVisibility())) env.unfocus(element.ownerDocument);
  }

  // One step: time passes, then the action, then what it starts at once.
  env.step = function (name, args, quiet) {
    env.clock.advance(options.stepMs);
    dropHiddenFocus();
    if (!WOB_DONE_GLOBAL) env.guarded(() => act(name, args));
    env.syncFocus();
    env.clock.advance(0);
    dropHiddenFocus();
    if (!quiet) return reply(false);
    env.observe(); // the next action names elements by their rows in it
    return null;
  };
})(window.__env);
