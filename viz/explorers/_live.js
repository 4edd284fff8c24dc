// Host of a view inside a notebook: state lives in the kernel's widget, questions go to the kernel.

function liveHost(model) {
  const waiting = new Map();
  const stops = [];
  let own = false; // whether a change of state comes from this view itself
  function listen(event, callback) {
    model.on(event, callback);
    stops.push(() => model.off(event, callback));
  }
  listen("msg:custom", (message) => {
    const settle = waiting.get(message.id);
    if (!settle) return; // the answer to another view of the same widget
    waiting.delete(message.id);
    settle(message);
  });
  return {
    live: true,
    get: (name) => model.get(name),
    set(changes) {
      own = true;
      for (const [name, value] of Object.entries(changes)) model.set(name, value);
      own = false;
      model.save_changes();
    },
    on: (name, callback) => listen(`change:${name}`, () => {
      if (!own) callback(model.get(name));
    }),
    ask(question) {
      const id = unique("ask");
      return new Promise((resolve, reject) => {
        waiting.set(id, (message) =>
          (message.error === undefined ? resolve(message.answer) : reject(new Error(message.error))));
        model.send({ id, question });
      });
    },
    close: () => stops.forEach((stop) => stop()),
  };
}

export default {
  render({ model, el }) {
    const root = h("div", { class: "lp" });
    el.append(root);
    const host = liveHost(model);
    let stop = () => {};
    let frame = 0;
    // A cell's output is filled before it is put into the page, where colours have no value yet.
    function begin() {
      if (root.isConnected) stop = draw(model.get("_payload"), root, host);
      else frame = requestAnimationFrame(begin);
    }
    begin();
    return () => {
      cancelAnimationFrame(frame);
      stop();
      host.close();
    };
  },
};
