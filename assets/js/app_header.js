// Navigation, the person's name, the look and the way out. Also watches the connection: a page whose server is gone
// says so and loads itself again as soon as the server answers.

const THEME_COOKIE = "bf_theme"
const PHONE_PX = 600
const PROBE_MS = 1500

const ICONS = {
  map: "M20.5 3l-.16.03L15 5.1 9 3 3.36 4.9c-.21.07-.36.25-.36.48V20.5c0 .28.22.5.5.5l.16-.03L9 18.9l6 2.1 5.64-1.9c.21-.07.36-.25.36-.48V3.5c0-.28-.22-.5-.5-.5zM15 19l-6-2.11V5l6 2.11V19z",
  upload: "M9 16h6v-6h4l-7-7-7 7h4v6zm-4 2h14v2H5v-2z",
  jobs: "M3 13h2v-2H3v2zm0 4h2v-2H3v2zm0-8h2V7H3v2zm4 4h14v-2H7v2zm0 4h14v-2H7v2zM7 7v2h14V7H7z",
  admin: "M12 1 3 5v6c0 5.55 3.84 10.74 9 12 5.16-1.26 9-6.45 9-12V5l-9-4zm0 10.99h7c-.53 4.12-3.28 7.79-7 8.94V12H5V6.3l7-3.11v8.8z",
  person: "M12 12c2.21 0 4-1.79 4-4s-1.79-4-4-4-4 1.79-4 4 1.79 4 4 4zm0 2c-2.67 0-8 1.34-8 4v2h16v-2c0-2.66-5.33-4-8-4z",
  dark: "M12 3a9 9 0 1 0 9 9c0-.46-.04-.92-.1-1.36a5.389 5.389 0 0 1-4.4 2.26 5.403 5.403 0 0 1-3.14-9.8c-.44-.06-.9-.1-1.36-.1z",
  light: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM2 13h2v-2H2v2zm18 0h2v-2h-2v2zM11 2v2h2V2h-2zm0 18v2h2v-2h-2zM5.99 4.58 4.58 5.99l1.06 1.06 1.41-1.41-1.06-1.06zm12.37 12.37-1.41 1.41 1.06 1.06 1.41-1.41-1.06-1.06zm1.06-10.96-1.41-1.41-1.06 1.06 1.41 1.41 1.06-1.06zM7.05 18.36l-1.41-1.41-1.06 1.06 1.41 1.41 1.06-1.06z",
  out: "M17 7l-1.41 1.41L18.17 11H8v2h10.17l-2.58 2.58L17 17l5-5-5-5zM4 5h8V3H4c-1.1 0-2 .9-2 2v14c0 1.1.9 2 2 2h8v-2H4V5z",
}

function icon(name) {
  const namespace = "http://www.w3.org/2000/svg"
  const svg = document.createElementNS(namespace, "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const path = document.createElementNS(namespace, "path")
  path.setAttribute("d", ICONS[name])
  svg.append(path)
  return svg
}

function element(tag, className, ...children) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...children)
  return made
}

function pageLink(model, [label, href, name], title) {
  const link = element("a", "link", icon(name), element("span", "label", label))
  link.href = href
  link.title = title
  if (href === model.active) {
    link.setAttribute("aria-current", "page")
  }
  return link
}

function accountLink(model) {
  const link = pageLink(model, [model.username, model.account_path, "person"], `Account of ${model.username}`)
  link.classList.add("person")
  link.setAttribute("aria-label", "Account")
  return link
}

function nav(model) {
  const links = model.links.map((link) => pageLink(model, link, link[0]))
  const made = element("nav", "nav", ...links)
  made.setAttribute("aria-label", "Pages")
  return made
}

async function signOut(model) {
  try {
    await fetch("/logout", {method: "POST", headers: {"X-CSRF-Token": model.csrf_token}, redirect: "manual"})
  } finally {
    window.location.assign("/login")
  }
}

// Lets `light-dark()` in the pages' styles follow the look, and scroll bars and form fields with it.
function tellScheme(page) {
  document.documentElement.style.colorScheme = page.dark_theme ? "dark" : "light"
}

function themeButton(page) {
  const button = element("button", "icon-button")
  button.type = "button"
  button.title = "Light or dark"
  button.setAttribute("aria-label", "Toggle theme")
  const show = () => button.replaceChildren(icon(page.dark_theme ? "light" : "dark"))
  button.addEventListener("click", () => {
    page.dark_theme = !page.dark_theme
    tellScheme(page)
    document.cookie = `${THEME_COOKIE}=${page.dark_theme ? "dark" : "light"}; path=/; max-age=31536000; samesite=lax`
  })
  page.properties.dark_theme.change.connect(show)
  show()
  return button
}

function signOutButton(model) {
  const button = element("button", "icon-button", icon("out"))
  button.type = "button"
  button.title = "Sign out"
  button.setAttribute("aria-label", "Sign out")
  button.addEventListener("click", () => void signOut(model))
  return button
}

async function answers() {
  try {
    const response = await fetch("/health", {cache: "no-store"})
    return response.status < 500 || response.status === 503
  } catch {
    return false
  }
}

function watchConnection(bokehDocument) {
  let lost = false
  const onLost = () => {
    if (lost) {
      return
    }
    lost = true
    const banner = document.createElement("div")
    banner.className = "bf-lost"
    banner.setAttribute("role", "status")
    banner.textContent = "The connection to the server is lost. This page loads again as soon as the server answers."
    document.body.append(banner)
    const probe = async () => (await answers()) ? window.location.reload() : window.setTimeout(probe, PROBE_MS)
    window.setTimeout(probe, PROBE_MS)
  }
  bokehDocument.on_event("connection_lost", onLost)
}

export function render({model, view}) {
  const page = view.root.model.data
  const phone = window.innerWidth < PHONE_PX
  tellScheme(page)
  if (phone && page.sidebar_open) {
    page.sidebar_open = false
  }
  watchConnection(view.model.document)
  return element("div", "bar", nav(model), element("span", "space"), accountLink(model), themeButton(page), signOutButton(model))
}
