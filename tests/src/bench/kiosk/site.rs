//! The kiosk's pages and what they load, on a port of the loopback interface: workers and WebAssembly want an origin.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use subrosa_tests::stage::tree;

type File = (&'static str, &'static str, Vec<u8>);

const SCRIPT: &str = "text/javascript";

/// Serves the pages until the program ends. Returns their address.
pub fn serve() -> String {
    let text = |text: &str| text.as_bytes().to_vec();
    let data = |name: &str| {
        let path = tree().join("data").join(name);
        fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; `make data` and setup/kiosk.sh fetch it", path.display()))
    };
    let files: Arc<[File]> = Arc::new([
        ("/", "text/html", text(include_str!("page/index.html"))),
        ("/kiosk.js", SCRIPT, text(include_str!("page/kiosk.js"))),
        ("/canvas.js", SCRIPT, text(include_str!("page/canvas.js"))),
        ("/planes.js", SCRIPT, text(include_str!("page/planes.js"))),
        ("/planes-worker.js", SCRIPT, text(include_str!("page/planes-worker.js"))),
        ("/model.js", SCRIPT, text(include_str!("page/model.js"))),
        ("/tflite.wasm", "application/wasm", data("kiosk/tflite.wasm")),
        ("/model.tflite", "application/octet-stream", data("selfie_segmentation_landscape.tflite")),
    ]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let files = files.clone();
            std::thread::spawn(move || answer(stream, &files));
        }
    });
    format!("http://{address}/")
}

fn answer(stream: TcpStream, files: &[File]) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let mut header = String::new();
    while reader.read_line(&mut header).ok()? > 2 {
        header.clear();
    }
    let path = request.split(' ').nth(1)?;
    let found = files.iter().find(|(name, ..)| *name == path);
    let (status, kind, body) =
        found.map_or(("404 Not Found", "text/plain", [].as_slice()), |(_, kind, body)| ("200 OK", *kind, body));
    let mut stream = reader.into_inner();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).ok()
}
