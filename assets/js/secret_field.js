// Shows a secret once. Plain HTTP pages have no clipboard of their own: there the text is selected and copied the old way.

function element(tag, className, ...children) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...children)
  return made
}

function button(label, className, onClick) {
  const made = element("button", className, label)
  made.type = "button"
  made.addEventListener("click", onClick)
  return made
}

async function copy(field) {
  field.select()
  if (navigator.clipboard !== undefined) {
    await navigator.clipboard.writeText(field.value)
  } else if (!document.execCommand("copy")) {
    throw new Error("no clipboard")
  }
}

export function render({model}) {
  const words = element("p", "words")
  const field = element("input", "field secret")
  field.readOnly = true
  field.setAttribute("aria-label", "Secret")
  field.addEventListener("focus", () => field.select())
  const copied = button("Copy", "strong", () => {
    copy(field).then(() => { copied.textContent = "Copied" }, () => { copied.textContent = "Press Ctrl+C" })
  })
  const done = button("Done", "quiet", () => model.send_msg("done"))
  const show = () => {
    words.textContent = model.words
    field.value = model.secret
    copied.textContent = "Copy"
  }
  model.on("secret", show)
  show()
  const box = element("div", "once", words, element("div", "line", field, copied, done))
  box.setAttribute("role", "status")
  model.on("visible", () => {
    if (model.visible) {
      window.setTimeout(() => box.scrollIntoView({block: "center", behavior: "smooth"}), 50)
    }
  })
  return box
}
