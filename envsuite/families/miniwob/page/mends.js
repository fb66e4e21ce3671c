// Faults of the pages and of their libraries that are mended here; docs/explanation/miniwob.md lists them.
(function (env) {
  let uniqueId = 0;

  // Once, after the page's scripts: what a library counts in a closure would grow from episode to episode.
  env.mend = function () {
    if (!window.jQuery || !jQuery.ui) return;
    jQuery.fn.uniqueId = function () {
      return this.each(function () {
        if (!this.id) this.id = "ui-id-" + ++uniqueId;
      });
    };
    jQuery.resetUniqueId = () => (uniqueId = 0);
  };

  // Before the page's state is put back: what libraries keep in closures.
  env.settleLibraries = function () {
    if (!window.jQuery) return;
    // A drag that the episode ended in would make jQuery UI deaf to the next press.
    if (jQuery.ui) document.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
    jQuery.timers.length = 0;
    jQuery.fx.tick(); // forgets its timer and the time at which its animations began
    if (!jQuery.cache) return;
    // Numbers of elements that are gone are given again; those of elements that come back must not be.
    for (;;) {
      const element = document.createElement("i");
      const next = jQuery.guid;
      jQuery._data(element, "drain", 1);
      if (element[jQuery.expando] >= next) break;
    }
  };

  // Before every episode.
  env.recount = () => (uniqueId = 0);
})(window.__env);
