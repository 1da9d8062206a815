// Sends a form once: of a double click, the first counts. Whoever waits and presses again means it.
for (const form of document.forms) {
  let sentAt = -Infinity;
  form.addEventListener("submit", (event) => {
    if (event.timeStamp - sentAt < 3000) event.preventDefault();
    else sentAt = event.timeStamp;
  });
  // A page that the browser has kept, and brings back, can be sent again.
  addEventListener("pageshow", () => { sentAt = -Infinity; });
}
