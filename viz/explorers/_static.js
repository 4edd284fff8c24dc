// Host of a view inside an exported page: state lives here, there is no kernel to ask.

const staticHost = (() => {
  const { state } = JSON.parse(document.getElementById("lp-state").textContent);
  return {
    live: false,
    get: (name) => state[name],
    set: (changes) => Object.assign(state, changes),
    on: () => {},
    ask: () => Promise.reject(new Error("an exported page has no kernel to ask")),
  };
})();

// The page around the frame fits the frame's height to what is in it, and passes its theme on.
new ResizeObserver(() => {
  const height = Math.ceil(document.body.getBoundingClientRect().height);
  parent.postMessage({ loupe: "height", height }, "*");
}).observe(document.body);
addEventListener("message", (event) => {
  if (event.source === parent && event.data && event.data.loupe === "theme") {
    document.documentElement.dataset.theme = event.data.theme === "dark" ? "dark" : "light";
  }
});
parent.postMessage({ loupe: "ready" }, "*");

draw(JSON.parse(document.getElementById("lp-payload").textContent),
  document.getElementById("lp-root"), staticHost);
