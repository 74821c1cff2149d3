//! Serves the guests' page and the remote with a meeting that is only played, to look at them while working on them:
//!
//! ```text
//! cargo run --release -p subrosa-room --example page -- 127.0.0.1:8443
//! ```
//!
//! The PIN is 123456, and so is the code of the remote. A guest whose name begins with "Deny" is refused, with "End" the
//! meeting ends, with "Lose" the event stream breaks and the guest is forgotten, with "Wait" nobody opens; all others are
//! let in, a "Chair" as a moderator, a "Pupil" with a role that may not speak, one who is "Alone" without the people who
//! are played. What guests and phones wish happens. There is no picture, and nothing that is written arrives.

mod facts;
mod played;

use std::net::SocketAddr;

use subrosa_room::meeting::guest::GuestRequest;
use subrosa_room::web::{self, WebEvent, WebSettings};
use tokio::sync::{mpsc, watch};

use played::{PIN, Played};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let listen: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:8443").parse()?;
    subrosa_process::start::log("page");
    let settings = WebSettings {
        listen: vec![listen],
        tls: None,
        host_name: "rose".to_owned(),
        public_url: None,
        state: std::env::temp_dir().join("subrosa-page"),
    };
    let (_addresses, addresses) = watch::channel(vec![listen.ip()]);
    let (_forget, forget) = watch::channel(0);
    let (meeting, requests) = mpsc::channel(64);
    let (events, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(play(requests));
    tokio::spawn(async move {
        while let Some(event) = heard.recv().await {
            if let WebEvent::Serving { addresses } = event {
                for address in addresses {
                    println!("https://{address}/  https://{address}/remote  PIN and code {PIN}");
                }
            }
        }
    });
    web::serve(settings, addresses, meeting, events, forget).await;
    Ok(())
}

async fn play(mut requests: mpsc::Receiver<GuestRequest>) {
    let mut played = Played::begin();
    let (arrive, mut arrived) = mpsc::unbounded_channel();
    loop {
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => played.request(request, &arrive),
                None => return,
            },
            Some(key) = arrived.recv() => played.arrived(&key),
        }
        played.tell();
    }
}
