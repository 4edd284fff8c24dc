// What a pointer and a keyboard do to a graph on a canvas.

const CLICK = 4; // pixels that a click may wander before it is a drag
const PAN_KEYS = 60; // pixels

/** Listen on the canvas of a graph; gives the function that stops it. */
function handle({ canvas, under, zoomBy, panBy, fit, walk, onPick, onKey, selected, first, hover }) {
  let held = null; // where a press began and where it is, in page coordinates
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    held = { x: event.clientX, y: event.clientY, far: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) {
      const i = under(...place(event));
      canvas.style.cursor = i >= 0 ? "pointer" : "grab";
      hover(i, event);
      return;
    }
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.far && Math.hypot(dx, dy) < CLICK) return;
    held = { x: event.clientX, y: event.clientY, far: true };
    canvas.style.cursor = "grabbing";
    hover(-1);
    panBy(dx, dy);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held && !held.far) onPick(under(...place(event)));
    held = null;
  });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("dblclick", (event) => zoomBy(2, ...place(event)));
  // A bare wheel scrolls the page, as everywhere else; pinching arrives with ctrlKey.
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomBy(Math.exp(-clamp(event.deltaY, -120, 120) / 240), ...place(event));
  }, { passive: false });

  const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const way = ways[event.key];
    if (way && event.shiftKey) panBy(-PAN_KEYS * way[0], -PAN_KEYS * way[1]);
    else if (way && selected() < 0) onPick(first());
    else if (way) {
      const found = walk(selected(), way);
      if (found >= 0) onPick(found);
    } else if (event.key === "+" || event.key === "=") zoomBy(1.3);
    else if (event.key === "-") zoomBy(1 / 1.3);
    else if (event.key === "0") fit();
    else if (event.key === "Escape") onPick(-1);
    else if (!onKey(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  // The canvas goes away with its listeners; a press that is still held must not outlive it.
  return () => { held = null; };
}
