// The inside of a page within a page (the flight pages): it lives by the clock, the dice and the doors of the outer one.
(function () {
  const outer = window.parent;
  const env = outer.__env;
  for (const name of [
    "Date", "setTimeout", "setInterval", "clearTimeout", "clearInterval", "requestAnimationFrame", "cancelAnimationFrame",
    "requestIdleCallback", "cancelIdleCallback", "alert", "confirm", "prompt", "open", "print",
  ]) window[name] = outer[name];
  Math.random = () => outer.Math.random();
  Object.defineProperty(performance, "now", { value: env.clock.now });
  for (const name of Object.keys(console)) console[name] = () => {};
  HTMLFormElement.prototype.submit = () => {};
  env.shutDoors(window);

  // Cookies and stores that last as long as the episode.
  const cookies = new Map();
  Object.defineProperty(document, "cookie", {
    get: () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
    set: (text) => {
      const [pair] = String(text).split(";");
      const at = pair.indexOf("=");
      cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
    },
  });
  for (const name of ["localStorage", "sessionStorage"]) {
    const kept = new Map();
    const store = {
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, value) => void kept.set(String(key), String(value)),
      removeItem: (key) => void kept.delete(String(key)),
      clear: () => kept.clear(),
    };
    Object.defineProperty(window, name, { value: store });
  }

  // What the page would fetch from its server is given with it.
  window.XMLHttpRequest = function () {
    const request = { DONE: 4, readyState: 0, status: 0, responseText: "", setRequestHeader() {}, abort() {} };
    request.open = (_method, address) => (request.address = address);
    request.send = () =>
      outer.setTimeout(() => {
        const text = env.files[request.address];
        Object.assign(request, { readyState: 4, status: text === undefined ? 404 : 200, responseText: text ?? "", response: text });
        for (const name of ["onreadystatechange", "onload"]) if (request[name]) request[name].call(request, new Event("load"));
      }, 1);
    return request;
  };
  window.XMLHttpRequest.DONE = 4;

  const loads = [];
  const native = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    const target = this === undefined ? window : this;
    if (target === window && type === "load") return void loads.push(listener);
    if (env.isPointing(type) && target.nodeType === 1 && target !== document.body) env.listening.add(target);
    if (/^key|beforeinput|textInput/.test(type)) env.hearsKeys = true;
    return native.call(target, type, listener, options);
  };
  env.ownFocus(window);
  window.__loaded = function () {
    for (const listener of loads) env.guarded(() => listener.call(window, new Event("load")));
    const handler = window.onload;
    if (typeof handler === "function") env.guarded(() => handler.call(window, new Event("load")));
  };
})();
