// Sends a file in pieces by the protocol tus 1.0. Where the connection breaks, it asks how much has arrived and goes on.
// A page that is loaded again goes on, too, when the same file is chosen.

const PIECE_BYTES = 8 * 2 ** 20
const WAITS_S = [1, 2, 4, 8, 15, 30, 30, 30, 60, 60, 60, 60]
const UPLOADS = "/api/v1/uploads"
const WORTH_ANOTHER_TRY = new Set([0, 408, 409, 423, 429, 460])

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

function problemIn(text, status) {
  try {
    const problem = JSON.parse(text)
    return {...problem, detail: problem.detail || problem.title}
  } catch {
    return {status, detail: `The file was not accepted (status ${status}).`}
  }
}

// What went wrong for good; `problem` is the server's.
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail)
    this.problem = problem
  }
}

export class Cancelled extends Error {}

export class ResumableUpload {
  // `said`: purpose and what else goes into the metadata. `tell`: {progressed(bytes), waiting(seconds), checking()}.
  constructor(file, said, csrfToken, tell) {
    this.file = file
    this.said = {filename: file.name, ...said}
    this.csrfToken = csrfToken
    this.tell = tell
    this.cancelled = false
    this.request = null
    this.wake = () => {}
    this.key = `upload ${JSON.stringify(this.said)} ${file.size} ${file.lastModified}`
  }

  // Returns {scene_id, job_id, import_id} of what has come of the file. Throws Refused, Cancelled.
  async run() {
    let view = await this.known() ?? await this.begin()
    for (let failures = 0; view.state === "open";) {
      const before = view.offset_bytes
      const answer = await this.send(view)
      if (answer.status === 204) {
        failures = 0
        const offset = Number(answer.headers.get("Upload-Offset"))
        view = offset === view.length_bytes ? await this.look(view.id) : {...view, offset_bytes: offset}
        continue
      }
      if (answer.status < 500 && !WORTH_ANOTHER_TRY.has(answer.status)) {
        this.forget()
        throw new Refused(problemIn(answer.text, answer.status))
      }
      view = await this.findAgain(view, failures, answer)
      failures = view.offset_bytes > before ? 0 : failures + 1
    }
    this.forget()
    if (view.state === "refused") {
      throw new Refused(view.error)
    }
    return view
  }

  cancel() {
    this.cancelled = true
    this.request?.abort()
    this.wake()
  }

  async begin() {
    const metadata = Object.entries(this.said).map(([name, value]) => `${name} ${base64(value)}`).join(",")
    const answer = await this.ask("POST", UPLOADS, {"Upload-Length": String(this.file.size), "Upload-Metadata": metadata})
    if (answer.status !== 201) {
      throw new Refused(problemIn(answer.text, answer.status))
    }
    const id = answer.headers.get("Location").split("/").pop()
    localStorage.setItem(this.key, id)
    return {id, state: "open", offset_bytes: 0, length_bytes: this.file.size}
  }

  async known() {
    const id = localStorage.getItem(this.key)
    const view = id === null ? null : await this.look(id).catch(() => null)
    return view !== null && view.state === "open" ? view : null
  }

  // Asks how it stands. The HEAD has a whole file judged whose last answer was lost.
  async look(id) {
    await this.ask("HEAD", `${UPLOADS}/${id}`)
    const answer = await this.ask("GET", `${UPLOADS}/${id}`)
    if (answer.status !== 200) {
      throw new Refused(problemIn(answer.text, answer.status))
    }
    return JSON.parse(answer.text)
  }

  send(view) {
    const end = Math.min(view.offset_bytes + PIECE_BYTES, view.length_bytes)
    const headers = {"Upload-Offset": String(view.offset_bytes), "Content-Type": "application/offset+octet-stream"}
    return this.ask("PATCH", `${UPLOADS}/${view.id}`, headers, this.file.slice(view.offset_bytes, end), {
      progressed: (bytes) => this.tell.progressed(view.offset_bytes + bytes),
      sent: () => end === view.length_bytes && this.tell.checking(),
    })
  }

  async findAgain(view, failures, answer) {
    for (let tries = failures; tries < WAITS_S.length; tries += 1) {
      await this.pause(WAITS_S[tries])
      const found = await this.look(view.id).catch((error) => error)
      if (!(found instanceof Error)) {
        return found
      }
      if (found instanceof Refused && found.problem.code === "NotFound") {
        this.forget()
        throw found
      }
      if (found instanceof Cancelled) {
        throw found
      }
    }
    throw new Refused(answer.status ? problemIn(answer.text, answer.status) : {
      detail: "The connection broke and did not come back. Choose the same file again to go on."})
  }

  // Waits, but not longer than until the browser is back on the net.
  async pause(seconds) {
    this.tell.waiting(seconds)
    await new Promise((resolve) => {
      this.wake = resolve
      window.addEventListener("online", resolve, {once: true})
      setTimeout(resolve, 1000 * seconds)
    })
    if (this.cancelled) {
      throw new Cancelled()
    }
  }

  ask(method, url, headers = {}, body = null, watch = null) {
    if (this.cancelled) {
      return Promise.reject(new Cancelled())
    }
    const request = this.request = new XMLHttpRequest()
    request.open(method, url)
    const all = {"Tus-Resumable": "1.0.0", "X-CSRF-Token": this.csrfToken, ...headers}
    for (const [name, value] of Object.entries(all)) {
      request.setRequestHeader(name, value)
    }
    if (watch !== null) {
      request.upload.addEventListener("progress", (event) => watch.progressed(event.loaded))
      request.upload.addEventListener("load", watch.sent)
    }
    return new Promise((resolve, reject) => {
      const answered = () => resolve({
        status: request.status, text: request.responseText, headers: {get: (name) => request.getResponseHeader(name)}})
      request.addEventListener("load", answered)
      request.addEventListener("error", answered)
      request.addEventListener("abort", () => reject(new Cancelled()))
      request.send(body)
    })
  }

  forget() {
    localStorage.removeItem(this.key)
  }

  // Has the server drop what has arrived.
  async drop() {
    const id = localStorage.getItem(this.key)
    this.forget()
    if (id !== null) {
      this.cancelled = false
      await this.ask("DELETE", `${UPLOADS}/${id}`).catch(() => null)
    }
  }
}
