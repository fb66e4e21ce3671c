// The page that opens, commands and closes the pages of many environments, so that one call serves them all.
(function () {
  const documents = {}; // name -> {shell, body, scripts}
  const pages = {}; // slot -> window

  const failure = (error) => ({ error: String(error && error.stack ? error.stack : error).slice(0, 600) });

  window.desk = {
    register(name, page) {
      const texts = [page.shell, page.body, page.frame, ...page.scripts].join("");
      documents[name] = { ...page, pictures: [...new Set(texts.match(/data:image\/[a-z+]+;base64,[A-Za-z0-9+/=]+/g))] };
    },
    knows: (name) => name in documents,
    open(slot, name, layout, options, size) {
      const page = window.open("about:blank", "_blank", `popup,width=${size[0]},height=${size[1]}`);
      if (!page) throw new Error("the browser did not open a page");
      pages[slot] = { page, name, layout, options };
    },
    load(slot) {
      const { page, name, layout, options } = pages[slot];
      page.document.open();
      page.document.write(documents[name].shell);
      page.document.close();
      page.__env.setLayout(layout);
      page.__env.setOptions(options);
      page.__env.settle(documents[name]);
      // Its pictures come first and are kept: one that has to be waited for changes the page when it comes.
      const loaded = documents[name].pictures.map((address) => {
        const picture = new page.Image();
        picture.src = address;
        page.__env.pictures.push(picture);
        return picture.complete || new Promise((resolve) => (picture.onload = picture.onerror = () => resolve(true)));
      });
      return Promise.all(loaded).then(() => loaded.length);
    },
    // A page that cannot be brought back in place becomes a blank one, which is loaded again.
    blank(slot) {
      pages[slot].page.__old = true;
      pages[slot].page.location.replace("about:blank");
    },
    isBlank: (slot) => !pages[slot].page.__old && pages[slot].page.document.readyState === "complete",
    close(slot) {
      pages[slot]?.page.close();
      delete pages[slot];
    },
    // Commands are [slot, method, ...arguments]; an error of one page is its own answer.
    run(commands) {
      const answers = commands.map(([slot, method, ...args]) => {
        try {
          const { page } = pages[slot];
          if (page.closed) throw new Error("it has been closed"); // its scripts would go on, and see nothing
          return page.__env[method](...args);
        } catch (error) {
          return failure(error);
        }
      });
      if (!answers.some((answer) => answer && typeof answer.then === "function")) return answers;
      return Promise.all(answers.map((answer) => Promise.resolve(answer).catch(failure)));
    },
  };
})();
