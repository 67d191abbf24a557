// The keyboard of the floor-plan page: tools by letters, the crosshair and what is selected by
// arrows. Nothing is taken from who types into a field.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const FINE_M = 0.01;
const USUAL_M = 0.1;
const COARSE_M = 1;

const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio], [type=range]), select, textarea, dialog");

/** Listen for keys; `ed` is the editor, `tools` name by letter. */
export function listen(ed, tools, lettersOn) {
  document.addEventListener("keydown", (event) => {
    if (ed.closed || event.defaultPrevented) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.altKey && event.key.toLowerCase() === "z" && !typing(event.target)) {
      event.preventDefault();
      if (event.shiftKey) ed.redo();
      else ed.undo();
    } else if (command && event.key.toLowerCase() === "y" && !typing(event.target)) {
      event.preventDefault();
      ed.redo();
    } else if (!command && !event.altKey && !typing(event.target)) plain(ed, event, tools, lettersOn);
  });
}

function plain(ed, event, tools, lettersOn) {
  const drawing = event.target === ed.canvas.root;
  if (event.key === "Escape") ed.escape();
  else if (drawing && STEPS[event.key]) ed.step(STEPS[event.key].map((v) => v * stepOf(event)), event.shiftKey);
  else if (drawing && (event.key === "Enter" || event.key === " ")) ed.clickAtCrosshair();
  else if (drawing && event.key === "Backspace") ed.back();
  else if (drawing && event.key === "Delete") ed.removeSelected();
  else if (drawing && (event.key === "+" || event.key === "=")) ed.canvas.zoomStep(true);
  else if (drawing && event.key === "-") ed.canvas.zoomStep(false);
  else if (drawing && event.key === "0") ed.fit();
  else if (lettersOn() && event.key.length === 1) {
    const key = event.key.toLowerCase();
    if (key === "c" && ed.tool.finish) ed.tool.finish();
    else if (key === "g") ed.toggleGrid();
    else if (tools.has(key)) ed.use(tools.get(key), true);
    else return;
  } else return;
  event.preventDefault();
}

const stepOf = ({ shiftKey, ctrlKey, altKey }) => (shiftKey ? COARSE_M : ctrlKey || altKey ? FINE_M : USUAL_M);
