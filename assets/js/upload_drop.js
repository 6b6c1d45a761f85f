// Sends a file to the server over plain HTTP, with progress. The file never goes through the websocket.

const SPEED_EVERY_MS = 400
const UNITS = [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]

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

function refusalOf(request, name) {
  try {
    const problem = JSON.parse(request.responseText)
    return problem.detail || problem.title
  } catch {
    return `${name} was not accepted (status ${request.status}).`
  }
}

class Upload {
  constructor(model, file, panel) {
    this.model = model
    this.file = file
    this.panel = panel
    this.request = new XMLHttpRequest()
    this.started = performance.now()
    this.shown = 0
    this.bar = element("i", "fill")
    this.words = element("p", "words", "Starting…")
    this.stop = button("Cancel", "quiet", () => this.request.abort())
  }

  run() {
    this.panel.replaceChildren(
      element("div", "head", element("b", "name", this.file.name), this.stop),
      element("div", "meter", this.bar), this.words)
    this.request.upload.addEventListener("progress", (event) => this.progressed(event))
    this.request.upload.addEventListener("load", () => this.checking())
    return new Promise((resolve) => {
      this.request.addEventListener("load", () => resolve(this.ended()))
      this.request.addEventListener("error", () => resolve(this.refused(
        "The connection broke before the file had arrived. Nothing was kept; send it again.")))
      this.request.addEventListener("abort", () => resolve(this.refused("Cancelled. Nothing was kept.")))
      this.send()
    })
  }

  send() {
    this.request.open("PUT", `/api/v1/scenes?name=${encodeURIComponent(this.file.name)}`)
    this.request.setRequestHeader("X-CSRF-Token", this.model.csrf_token)
    this.request.setRequestHeader("Content-Type", "application/octet-stream")
    this.request.send(this.file)
  }

  progressed(event) {
    const now = performance.now()
    this.bar.style.width = `${100 * event.loaded / Math.max(1, event.total)}%`
    if (now - this.shown < SPEED_EVERY_MS) {
      return
    }
    this.shown = now
    const speed = event.loaded / Math.max(0.001, (now - this.started) / 1000)
    const left = (event.total - event.loaded) / Math.max(1, speed)
    this.words.textContent =
      `${size(event.loaded)} of ${size(event.total)} · ${size(speed)}/s · about ${duration(left)} left`
  }

  checking() {
    this.bar.style.width = "100%"
    this.bar.classList.add("busy")
    this.words.textContent = "Received. Checking the image…"
    this.stop.remove()
  }

  ended() {
    if (this.request.status >= 200 && this.request.status < 300) {
      this.panel.replaceChildren()
      return JSON.parse(this.request.responseText).id
    }
    return this.refused(refusalOf(this.request, this.file.name))
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
  input.accept = ".tif,.tiff,.gtiff,image/tiff"
  const panel = element("div", "panel")
  panel.setAttribute("aria-live", "polite")
  const choose = button("Choose a file", "choose", () => input.click())
  const zone = element("div", "zone", element("p", "lead", "Drop a GeoTIFF here"), choose,
    element("p", "small", `8- or 16-bit, one or more bands, with a coordinate reference system. Up to ${size(model.limit_bytes)}.`),
    input)
  let busy = false
  const take = async (file) => {
    if (busy || file === undefined) {
      return
    }
    busy = true
    choose.disabled = true
    const warn = (event) => event.preventDefault()
    window.addEventListener("beforeunload", warn)
    const id = await new Upload(model, file, panel).run()
    window.removeEventListener("beforeunload", warn)
    busy = false
    choose.disabled = false
    input.value = ""
    if (id !== null) {
      model.send_msg(id)
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
