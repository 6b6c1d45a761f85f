// A real form, so that password managers know it. The passwords go straight to the API: they never become part of the
// page's state on the server, and the API slows down guessing.

function element(tag, className, ...children) {
  const made = document.createElement(tag)
  made.className = className
  made.append(...children)
  return made
}

function input(name, label, autocomplete) {
  const field = element("input", "field")
  Object.assign(field, {name, type: "password", autocomplete, required: true, maxLength: 1024})
  const line = element("label", "labelled", element("span", "label", label), field)
  return {field, line}
}

async function send(model, current, fresh) {
  const answer = await fetch("/api/v1/auth/password", {
    method: "POST",
    headers: {"Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": model.csrf_token},
    body: JSON.stringify({current_password: current, new_password: fresh}),
  })
  if (answer.ok) {
    return ""
  }
  const problem = await answer.json()
  return problem.code === "CredentialsWrong" ? "The current password is wrong." : problem.detail
}

export function render({model}) {
  const name = element("input", "hidden")
  Object.assign(name, {name: "username", autocomplete: "username", value: model.username, readOnly: true, tabIndex: -1})
  name.setAttribute("aria-hidden", "true")
  const current = input("current_password", "Current password", "current-password")
  const fresh = input("new_password", `New password, at least ${model.min_length} characters`, "new-password")
  const again = input("new_password_again", "New password again", "new-password")
  fresh.field.minLength = model.min_length
  const words = element("p", "words")
  words.hidden = true
  const button = element("button", "strong", "Change the password")
  const form = element("form", "form", name, current.line, fresh.line, again.line, words, element("div", "line", button))
  const say = (text, isBad) => {
    words.textContent = text
    words.className = isBad ? "words bad" : "words good"
    words.setAttribute("role", isBad ? "alert" : "status")
    words.hidden = false
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    if (fresh.field.value !== again.field.value) {
      say("The new password is not the same both times.", true)
      again.field.focus()
      return
    }
    button.disabled = true
    try {
      const refusal = await send(model, current.field.value, fresh.field.value)
      if (refusal) {
        say(refusal, true)
      } else {
        form.reset()
        name.value = model.username
        say("The new password holds. All other sessions and all API keys have ended.", false)
        model.send_msg("changed")
      }
    } catch {
      say("The server does not answer. Try again in a moment.", true)
    } finally {
      button.disabled = false
    }
  })
  return form
}
