// Boxes that scroll sideways are stops for the Tab key, as code is. The theme wraps tables when
// a page is shown, so that this cannot be written into the page.
const reach = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap, .formula")) {
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", box.matches(".formula") ? "Formula" : "Table");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    }
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);
