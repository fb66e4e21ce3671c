// What share of an instruction is right, for pages where the values of their controls do not tell.
(function (env) {
  const boldWords = () => [...document.querySelectorAll("#query .bold")].map((each) => each.textContent.trim());

  const GOALS = {
    // Of the posts of the user, those whose button is pressed; pressed buttons of others count against it.
    "social-media-all"() {
      const [label, user] = boldWords();
      const button = Object.keys(ACTIONS).find((name) => ACTIONS[name] === label);
      let right = 0, total = 0, wrong = 0;
      for (const post of document.querySelectorAll("#area .media")) {
        const pressed = post.querySelectorAll(`.${button}.active`).length > 0;
        if (post.querySelector(".username").textContent === user) {
          total += 1;
          right += pressed;
        } else wrong += pressed;
      }
      return total ? Math.max(0, right - wrong) / total : 0;
    },
  };
  env.findGoal = (name) => GOALS[name] || null;
})(window.__env);
