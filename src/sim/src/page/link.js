// The link of somebody else's meeting, handed to the room: it says who runs the server, and the button joins.

import { element } from "./elements.js";
import { say } from "./texts.js";

/** Puts the hand on the form. */
export function connect() {
  const answer = element("link-answer", HTMLElement);
  const link = element("link", HTMLInputElement);
  element("link-form", HTMLFormElement).addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.textContent = "";
    try {
      const taken = await fetch("/link", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ link: link.value }),
      });
      const body = await taken.json();
      answer.textContent = taken.ok ? body.text : say("failed") + body.error;
      if (taken.ok && body.proposed) link.value = "";
    } catch {
      answer.textContent = say("lost");
    }
  });
}
