// What only the edit explorer looks like; everything else is the shared style sheet's.

const EDIT_STYLE = `
.lp-edit-bar { grid-template-columns: repeat(auto-fit, minmax(170px, max-content)); }
.lp-edit { display: grid; gap: 20px 30px; margin-top: 16px; align-items: start; grid-template-columns: minmax(0, 0.8fr) minmax(0, 1.3fr); }
@container (max-width: 720px) { .lp-edit { grid-template-columns: minmax(0, 1fr); } }
.lp-edit-tools { display: grid; grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); gap: 8px 18px; margin-top: 10px; align-items: end; }
.lp-edit-tools .lp-choices span { padding: 0 6px; }
.lp-edit-region canvas { touch-action: none; cursor: crosshair; background: none; }
.lp .lp-edit-sliders { list-style: none; display: grid; gap: 4px; }
.lp-edit-sliders li { padding: 8px 12px 8px; border-radius: 8px; border: 1px solid transparent; }
.lp-edit-sliders li.lp-active { background: var(--lp-panel); border-color: var(--lp-edge); }
.lp .lp-edit-sliders input[type="range"]::-webkit-slider-runnable-track { background: linear-gradient(90deg, var(--lp-edge) min(50%, var(--lp-part)),
  var(--lp-accent) min(50%, var(--lp-part)), var(--lp-accent) max(50%, var(--lp-part)), var(--lp-edge) max(50%, var(--lp-part))); }
.lp .lp-edit-sliders input[type="range"]::-moz-range-progress { background: var(--lp-edge); }
.lp-edit-sliders .lp-slider { grid-template-columns: minmax(0, 1fr) auto; }
.lp .lp-edit-sliders small { display: block; margin-top: 5px; color: var(--lp-soft); font-size: 12.5px; line-height: 18px; }
.lp-edit-sliders .lp-warned { color: var(--lp-warn); font-weight: 600; }
.lp .lp-summary.lp-warned { color: var(--lp-warn); }
.lp-edit-rows { display: grid; gap: 16px; }
.lp-edit-row { display: grid; gap: 8px 16px; grid-template-columns: repeat(3, minmax(0, 1fr)); }
@container (max-width: 460px) { .lp-edit-row { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.lp .lp-edit-row figcaption { color: var(--lp-soft); font-size: 12.5px; line-height: 17px; margin-top: 5px; }
.lp-edit-row figcaption b { color: var(--lp-ink); font-weight: 620; }
.lp-edit-row canvas, .lp-edit-strip canvas { border-radius: 4px; background: none; }
.lp .lp-edit-strip { display: grid; gap: 14px 22px; grid-template-columns: repeat(auto-fill, minmax(min(270px, 100%), 1fr)); }
.lp-edit-three { display: grid; gap: 4px; grid-template-columns: repeat(3, minmax(0, 1fr)); }
.lp .lp-edit-strip figcaption { color: var(--lp-soft); font-size: 12.5px; line-height: 17px; margin-top: 4px; }
.lp-edit-cut { position: absolute; top: 8px; bottom: 38px; width: 22px; margin-left: -11px; cursor: ew-resize; touch-action: none; }
.lp-edit-cut::before { content: ""; position: absolute; left: 10px; top: 0; bottom: 0; width: 2px; background: var(--lp-ink); }
.lp-edit-grip { position: absolute; left: 15px; top: 0; padding: 0 8px; border-radius: 9px; background: var(--lp-ink); color: var(--lp-bg);
  font-size: 12px; font-weight: 620; line-height: 19px; white-space: nowrap; }
`;
