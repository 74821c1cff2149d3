// The room's screen: asks for the next picture whenever one has been shown, so that a slow page is never behind.

import { element } from "./elements.js";

const canvas = element("screen", HTMLCanvasElement);
const dark = element("screen-dark", HTMLElement);

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Shows pictures for as long as the page lives. */
export async function show() {
  let number = 0;
  for (;;) {
    try {
      const answer = await fetch(`/screen.jpg?after=${number}`);
      if (answer.status === 200) {
        number = Number(answer.headers.get("x-picture"));
        await draw(await answer.blob());
      } else if (answer.status !== 204) {
        await pause(1000);
      }
    } catch {
      number = 0; // the simulator has gone; the next one counts from the start
      await pause(1000);
    }
  }
}

/** @param {Blob} jpeg */
async function draw(jpeg) {
  const picture = await createImageBitmap(jpeg);
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext("2d")?.drawImage(picture, 0, 0);
  picture.close();
  dark.hidden = true;
}
