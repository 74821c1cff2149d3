// The segmentation model in TFLite's WebAssembly build with SIMD, which browser meetings use. The module wants a C
// library's system calls; almost none of them is ever made.

const HEAP_LIMIT = 2 ** 31;
const PAGE = 65536;

function system(instance) {
  const memory = () => instance().memory;
  const bytes = () => new Uint8Array(memory().buffer);
  const missing = (name) => () => { throw new Error(`the model asks for ${name}`); };
  const env = {
    abort: missing('abort'),
    exit: missing('exit'),
    _dlinit: missing('_dlinit'),
    _dlopen_js: missing('_dlopen_js'),
    _dlsym_js: missing('_dlsym_js'),
    _munmap_js: missing('_munmap_js'),
    emscripten_get_now: () => performance.now(),
    _emscripten_get_now_is_monotonic: () => 1,
    emscripten_get_heap_max: () => HEAP_LIMIT,
    emscripten_memcpy_big: (to, from, length) => { bytes().copyWithin(to, from, from + length); },
    emscripten_resize_heap: (wanted) => {
      memory().grow(Math.ceil((wanted - memory().buffer.byteLength) / PAGE));
      return 1;
    },
    getentropy: (to, length) => {
      crypto.getRandomValues(bytes().subarray(to, to + length));
      return 0;
    },
  };
  // What it writes to the terminal is dropped, and counted as written.
  const written = (_file, vectors, count, result) => {
    const view = new DataView(memory().buffer);
    let total = 0;
    for (let i = 0; i < count; i++) total += view.getUint32(vectors + 8 * i + 4, true);
    view.setUint32(result, total, true);
    return 0;
  };
  const nothing = (count, size) => {
    const view = new DataView(memory().buffer);
    view.setUint32(count, 0, true);
    view.setUint32(size, 0, true);
    return 0;
  };
  const wasi = { fd_close: () => 0, fd_seek: () => 0, fd_write: written, environ_get: () => 0, environ_sizes_get: nothing };
  return { env, wasi_snapshot_preview1: wasi };
}

/** Loads module and model. `input` takes width × height × 3 values from 0 to 1, `output` has a person's likelihood. */
export async function load() {
  let exports;
  const module = await WebAssembly.instantiateStreaming(fetch('/tflite.wasm'), system(() => exports));
  exports = module.instance.exports;
  exports.__wasm_call_ctors();
  const model = new Uint8Array(await (await fetch('/model.tflite')).arrayBuffer());
  new Uint8Array(exports.memory.buffer).set(model, exports.getModelBufferMemoryOffset());
  if (exports.loadModel(model.length) !== 0) throw new Error('the model does not load');
  const width = exports.getInputWidth();
  const height = exports.getInputHeight();
  const floats = (offset, length) => new Float32Array(exports.memory.buffer, offset, length);
  return {
    width,
    height,
    /** The views are taken anew each time, since memory that grows moves. */
    input: () => floats(exports.getInputMemoryOffset(), width * height * 3),
    output: () => floats(exports.getOutputMemoryOffset(), width * height),
    run: () => { exports.runInference(); },
  };
}
