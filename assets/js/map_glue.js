// What the map needs from the browser: keys while drawing, and the line from the last corner to the pointer, which
// would lag if it went through the server.

const KEYS = {Escape: "cancel", Enter: "finish", Backspace: "undo", Delete: "undo"}
const FIND_MS = 150
const NEVER_MS = 2 ** 31 - 1

function typing(event) {
  return event.composedPath().some((node) => node.tagName === "INPUT" || node.tagName === "TEXTAREA")
}

function watchKeys(model) {
  const onKey = (event) => {
    const name = KEYS[event.key] ?? ((event.ctrlKey || event.metaKey) && event.key === "z" ? "undo" : undefined)
    if (name === undefined || model.mode === "look" || typing(event)) {
      return
    }
    event.preventDefault()
    model.send_msg(name)
  }
  window.addEventListener("keydown", onKey)
  return () => window.removeEventListener("keydown", onKey)
}

function follow(model, plot, band) {
  const area = plot.canvas_view.events_el
  const onMove = (event) => {
    if (model.mode !== "polygon" || model.corners.length === 0) {
      return
    }
    const box = area.getBoundingClientRect()
    const x = plot.frame.x_scale.invert(event.clientX - box.left)
    const y = plot.frame.y_scale.invert(event.clientY - box.top)
    const xs = [...model.corners.map((corner) => corner[0]), x]
    const ys = [...model.corners.map((corner) => corner[1]), y]
    if (model.corners.length > 1) {
      xs.push(model.corners[0][0])
      ys.push(model.corners[0][1])
    }
    band.setv({data: {x: xs, y: ys}}, {sync: false})
  }
  area.addEventListener("pointermove", onMove)
  const style = () => { area.style.cursor = model.mode === "look" ? "" : "crosshair" }
  model.on("mode", style)
  style()
  return () => area.removeEventListener("pointermove", onMove)
}

// Bokeh takes a button that is held for 300 ms before the pointer moves for a press, and then ignores the drag: a hand
// that hesitates, or a machine that is busy, would move no map, draw no box and brush no histogram. Nothing here needs
// a press. The limit belongs to the class, so this counts for all plots of the page.
function letHandsHesitate(plot) {
  plot.canvas_view.ui_event_bus.ui_gestures.constructor.press_threshold = NEVER_MS
}

export function render({model, view}) {
  const bokehDocument = view.model.document
  const stops = [watchKeys(model)]
  const find = () => {
    const figure = bokehDocument.get_model_by_name("map")
    const band = bokehDocument.get_model_by_name("rubber-band")
    const plot = figure && bokehDocument.views_manager?.find_one(figure)
    if (plot?.canvas_view?.events_el && band) {
      letHandsHesitate(plot)
      stops.push(follow(model, plot, band))
    } else {
      stops.push(window.clearTimeout.bind(window, window.setTimeout(find, FIND_MS)))
    }
  }
  find()
  model.on("remove", () => stops.forEach((stop) => stop()))
  return document.createElement("span")
}
