// Shows a password to who asks to see it. Without this script the button stays hidden.
for (const button of document.querySelectorAll("button[data-reveals]")) {
  const field = document.getElementById(button.dataset.reveals);
  const show = button.textContent;
  const status = document.createElement("span");
  status.className = "unseen";
  status.setAttribute("role", "status");
  button.after(status);
  button.setAttribute("aria-controls", field.id);
  button.hidden = false;
  const set = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : show;
    status.textContent = shown ? button.dataset.shown : "";
  };
  button.addEventListener("click", () => {
    set(field.type === "password");
    field.focus();
  });
  // A browser that keeps what was typed into a text field must not find the password there.
  field.form.addEventListener("submit", () => set(false));
}
