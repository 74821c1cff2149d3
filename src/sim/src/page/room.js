// The simulated room's page: texts, hands, eyes, ears, and the stream of what is true.

import * as device from "./device.js";
import { element } from "./elements.js";
import * as link from "./link.js";
import * as screen from "./screen.js";
import * as speaker from "./speaker.js";
import { fill, say } from "./texts.js";

fill();
device.connect();
link.connect();
speaker.connect();
screen.show();

const lost = element("lost", HTMLElement);
const events = new EventSource("/events");
events.addEventListener("open", () => {
  lost.hidden = true;
  device.enable(true);
});
events.addEventListener("error", () => {
  lost.textContent = say("lost");
  lost.hidden = false;
  device.enable(false);
  speaker.show({ rms: -90, peak: -90 });
});
events.addEventListener("state", (event) => device.show(JSON.parse(event.data)));
events.addEventListener("sound", (event) => speaker.show(JSON.parse(event.data)));
