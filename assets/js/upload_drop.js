// Sends a file to the server over plain HTTP, in pieces (resumable_upload.js), with progress. It never goes through the
// websocket.
// Its first bytes tell whether it holds a picture or footprints; the server judges both by content again.

const SPEED_EVERY_MS = 400
const CANCELLED = "Cancelled. Nothing was kept."
const UNITS = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]

const FOOTPRINT_STARTS = ["PAR1", "fgb", "SQLite format 3", "PK", "{", "\x1e", "\xef\xbb\xbf", "\x00\x00\x27\x0a"]
const FOOTPRINT_NAMES = /\.(parquet|geoparquet|geojson|geojsonl|geojsons|json|fgb|gpkg|zip|shp|csv|kml|kmz|gdb)$/i
const QUESTIONS = {
  VectorCrsMissing: (problem) => ({field: "crs", label: "Coordinate system", hint: "EPSG:2272"}),
  CrsUnusable: (problem) => ({field: "crs", label: "Coordinate system", hint: "EPSG:2272"}),
  LayerAmbiguous: (problem) => ({field: "layer", label: "Layer", choices: problem.parameters.layers.split(", ")}),
}

async function holdsFootprints(file) {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 64).arrayBuffer()))
  if (head.startsWith("II") || head.startsWith("MM")) {
    return false
  }
  return FOOTPRINT_STARTS.some((start) => head.trimStart().startsWith(start) || head.startsWith(start))
    || FOOTPRINT_NAMES.test(file.name)
}

function size(bytes) {
  const [unit, step] = UNITS.find(([, least]) => bytes >= least) ?? ["bytes", 1]
  return `${(bytes / step).toFixed(step === 1 ? 0 : 1)} ${unit}`
}

function duration(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`
}

function element(tag, className, ...children) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...children)
  return made
}

function button(label, className, action) {
  const made = element("button", className, label)
  made.type = "button"
  made.addEventListener("click", action)
  return made
}

function form({field, label, hint, choices}, answer) {
  const input = element(choices ? "select" : "input", "answer", ...(choices ?? []).map((name) => new Option(name)))
  if (hint) {
    input.placeholder = hint
  }
  const made = element("form", "question", element("label", "", label, input), element("button", "choose", "Try again"))
  made.addEventListener("submit", (event) => {
    event.preventDefault()
    if (input.value.trim()) {
      answer({[field]: input.value.trim()})
    }
  })
  return made
}

class Upload {
  constructor(model, file, panel, options) {
    this.model = model
    this.file = file
    this.panel = panel
    this.options = options
    this.started = performance.now()
    this.startedAt = null
    this.shown = 0
    this.bar = element("i", "fill")
    this.words = element("p", "words", "Starting…")
    this.sending = null
    this.cancelled = false
    this.stop = button("Cancel", "quiet", () => this.cancel())
  }

  cancel() {
    this.cancelled = true  // what sends may not be loaded yet
    this.sending?.cancel()
  }

  async run() {
    this.panel.replaceChildren(
      element("div", "head", element("b", "name", this.file.name), this.stop),
      element("div", "meter", this.bar), this.words)
    const {ResumableUpload, Refused} = await import(`${location.origin}/assets/js/resumable_upload.js`)
    const footprints = this.options.footprints
    const said = footprints ? {purpose: "import", ...this.options.answers} : {purpose: "scene"}
    if (this.cancelled) {
      return this.refused(CANCELLED)
    }
    this.sending = new ResumableUpload(this.file, said, this.model.csrf_token, this)
    try {
      const view = await this.sending.run()
      this.panel.replaceChildren()
      return footprints ? {kind: "import", id: view.import_id} : {kind: "scene", id: view.scene_id}
    } catch (error) {
      if (error instanceof Refused) {
        return this.failed(error.problem)
      }
      void this.sending.drop()  // a line that hangs keeps nobody waiting
      return this.refused(CANCELLED)
    }
  }

  progressed(bytes) {
    const now = performance.now()
    this.startedAt ??= bytes
    this.bar.style.width = `${100 * bytes / Math.max(1, this.file.size)}%`
    if (now - this.shown < SPEED_EVERY_MS) {
      return
    }
    this.shown = now
    const speed = (bytes - this.startedAt) / Math.max(0.001, (now - this.started) / 1000)
    const left = (this.file.size - bytes) / Math.max(1, speed)
    this.words.textContent =
      `${size(bytes)} of ${size(this.file.size)} · ${size(speed)}/s · about ${duration(left)} left`
  }

  waiting(seconds) {
    this.bar.classList.remove("busy")
    this.words.textContent = `The connection broke. Going on in ${duration(seconds)}…`
  }

  checking() {
    this.bar.style.width = "100%"
    this.bar.classList.add("busy")
    this.words.textContent = this.options.footprints ? "Received. Checking every row…" : "Received. Checking the image…"
    this.stop.remove()
  }

  failed(problem) {
    this.refused(problem.detail)
    if (this.options.footprints && problem.code in QUESTIONS) {
      this.panel.append(form(QUESTIONS[problem.code](problem), this.options.again))
    }
    return null
  }

  refused(sentence) {
    const words = element("p", "words bad", sentence)
    words.setAttribute("role", "alert")
    this.panel.replaceChildren(element("div", "head", element("b", "name", this.file.name),
      button("Dismiss", "quiet", () => this.panel.replaceChildren())), words)
    return null
  }
}

export function render({model}) {
  const input = element("input", "input")
  input.type = "file"
  input.accept = ".tif,.tiff,.gtiff,image/tiff,.parquet,.geoparquet,.geojson,.geojsonl,.json,.fgb,.gpkg,.zip"
  const panel = element("div", "panel")
  panel.setAttribute("aria-live", "polite")
  const choose = button("Choose a file", "choose", () => input.click())
  const zone = element("div", "zone", element("p", "lead", "Drop imagery or footprints here"), choose,
    element("p", "small", element("b", "", "Imagery"), " to extract buildings from: GeoTIFF with a coordinate reference system."),
    element("p", "small", element("b", "", "Footprints"), " that you have: GeoParquet, GeoJSON, FlatGeobuf, GeoPackage or a zipped Shapefile."),
    element("p", "small", `Up to ${size(model.limit_bytes)}.`), input)
  let busy = false
  const take = async (file, answers = {}) => {
    if (busy || file === undefined) {
      return
    }
    busy = true
    choose.disabled = true
    const warn = (event) => event.preventDefault()
    window.addEventListener("beforeunload", warn)
    const again = (more) => void take(file, {...answers, ...more})
    const options = {footprints: await holdsFootprints(file), answers, again}
    const arrived = await new Upload(model, file, panel, options).run()
    window.removeEventListener("beforeunload", warn)
    busy = false
    choose.disabled = false
    input.value = ""
    if (arrived !== null) {
      model.send_msg(arrived)
    }
  }
  input.addEventListener("change", () => void take(input.files[0]))
  zone.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over") })
  zone.addEventListener("dragleave", () => zone.classList.remove("over"))
  zone.addEventListener("drop", (event) => {
    event.preventDefault()
    zone.classList.remove("over")
    void take(event.dataTransfer.files[0])
  })
  return element("div", "upload", zone, panel)
}
