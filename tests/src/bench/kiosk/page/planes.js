// What an expert would write for a browser: no canvas at all. Frames go to a worker as they are and come back composed.

export async function blurred(track) {
  const worker = new Worker('planes-worker.js', { type: 'module' });
  const ready = new Promise((done, failed) => {
    const fails = (message) => {
      console.error(message); // for one that comes later than `ready`
      failed(new Error(message));
    };
    worker.onmessage = ({ data }) => (data === 'ready' ? done() : fails(data));
    worker.onerror = ({ message }) => fails(message);
  });
  // Chromium has both ends on the page and not in workers; their streams can be handed over.
  const { readable } = new MediaStreamTrackProcessor({ track });
  const sent = new MediaStreamTrackGenerator({ kind: 'video' });
  const { writable } = sent;
  worker.postMessage({ readable, writable }, [readable, writable]);
  await ready;
  return sent;
}
