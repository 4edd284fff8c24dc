// What only the relation explorer looks like; everything else is the shared style sheet's.

const RELATION_STYLE = `
.lp { --lp-rel-0: light-dark(#f3f7fc, #17202c); --lp-rel-1: light-dark(#a9cdea, #1d4e7d);
  --lp-rel-2: light-dark(#3f8cc6, #3f8fd0); --lp-rel-3: light-dark(#0b3f78, #cfe6fb);
  --lp-apart-0: light-dark(#073763, #a8d8ff); --lp-apart-1: light-dark(#3f8cc6, #2f7fc0);
  --lp-apart-2: light-dark(#cfe2f2, #1f3145); --lp-apart-3: light-dark(#f6f6f4, #20252d);
  --lp-apart-4: light-dark(#f8dcc4, #44301f); --lp-apart-5: light-dark(#d9762b, #c4661f);
  --lp-apart-6: light-dark(#7a2e00, #ffc794); }
.lp-rel { display: grid; gap: 18px 30px; margin-top: 16px; align-items: start;
  grid-template-columns: minmax(0, 0.8fr) minmax(0, 1.5fr); }
.lp-rel > div { display: grid; gap: 18px; min-width: 0; }
.lp-rel-tables { display: grid; gap: 14px 22px; grid-template-columns: repeat(3, minmax(0, 1fr)); align-items: end; }
@container (max-width: 860px) { .lp-rel { grid-template-columns: minmax(0, 1fr); } }
@container (max-width: 520px) { .lp-rel-tables { grid-template-columns: minmax(0, 1fr); } }
.lp-rel-bar { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); }
.lp-rel-bar .lp-row { min-width: 0; }
.lp-rel-bar .lp-row select { flex: 1; min-width: 0; }
.lp .lp-rel-bar button:disabled { opacity: 0.4; cursor: default; }
@container (max-width: 520px) { .lp-rel-bar { grid-template-columns: minmax(0, 1fr); } }
.lp-rel-image svg { position: absolute; inset: 0; outline-offset: -2px; }
.lp-rel-box { fill: transparent; cursor: pointer; }
.lp-rel-tag text { font: 600 12px system-ui, sans-serif; fill: var(--lp-on); }
.lp-rel-tag, .lp-rel-line { pointer-events: none; }
.lp-rel-words { position: relative; padding-top: 34px; }
.lp-rel-words > svg { position: absolute; left: 0; top: 0; width: 100%; height: 100%; overflow: visible; pointer-events: none; }
.lp-rel-words > div { position: relative; display: flex; flex-wrap: wrap; gap: 30px 5px; align-items: flex-end; font-size: 15px; line-height: 26px; }
.lp .lp-rel-words button { display: inline-flex; gap: 5px; align-items: center; height: auto; min-height: 30px; max-width: 100%; padding: 0 6px; border: 1px solid transparent;
  border-bottom: 3px solid var(--lp-tone); border-radius: 6px 6px 3px 3px; background: var(--lp-bg); white-space: normal; text-align: left; overflow-wrap: anywhere; }
.lp .lp-rel-words button:hover, .lp .lp-rel-words button.lp-lit { border-color: var(--lp-tone); background: var(--lp-panel); }
.lp .lp-rel-words button[aria-pressed="true"] { outline: 2px solid var(--lp-accent); outline-offset: 1px; font-weight: 600; }
.lp-rel-words small { min-width: 34px; color: var(--lp-soft); font-size: 11.5px; font-weight: 400; white-space: nowrap; }
.lp-rel-number { flex: none; display: inline-block; min-width: 18px; height: 18px; padding: 0 4px; border-radius: 9px; background: var(--lp-tone);
  color: var(--lp-on); font-size: 11.5px; font-weight: 650; line-height: 18px; text-align: center; }
.lp-rel-table svg { display: block; width: 100%; border-radius: 6px; }
.lp-rel-table .lp-cell { cursor: pointer; }
.lp-rel-table text { font-size: 12px; text-anchor: middle; }
.lp-rel-table .lp-chip-text { font-weight: 650; fill: var(--lp-on); }
.lp-rel-table .lp-focus circle { stroke: var(--lp-ink); stroke-width: 2; }
.lp-rel-frame { fill: none; stroke: var(--lp-ink); stroke-width: 2.5; pointer-events: none; }
.lp-rel-heads canvas { background: none; border-radius: 0; }
.lp-rel-arc { fill: none; stroke: var(--lp-tone); stroke-linecap: round; opacity: 0.8; }
`;
