//! The simulated screen and speaker: a socket that takes pictures and sound from media.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use subrosa_messages::frame::{Decoder, FrameError};
use subrosa_messages::outputs::Output;
use subrosa_process::peer;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::User;
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{broadcast, watch};
use tokio::time::{sleep, timeout};

use crate::sound::{Loudness, Meter, Recorder};

/// A speaker that gets nothing for so long is silent.
const GAP: Duration = Duration::from_millis(300);

/// What is on the screen.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// Counts pictures from 1; 0: there has been none.
    pub number: u64,
    /// A JPEG.
    pub jpeg: Bytes,
}

/// What arrives, for whoever wants to see or hear it.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// How many connections deliver.
    pub connected: watch::Sender<usize>,
    /// The screen.
    pub picture: watch::Sender<Picture>,
    /// How loud the speaker is.
    pub loudness: watch::Sender<Loudness>,
    /// What the speaker plays now.
    pub sound: broadcast::Sender<Bytes>,
    recorder: Arc<Mutex<Recorder>>,
}

impl Default for Outputs {
    fn default() -> Self {
        Outputs {
            connected: watch::Sender::new(0),
            picture: watch::Sender::default(),
            loudness: watch::Sender::new(Loudness::SILENCE),
            sound: broadcast::Sender::new(50),
            recorder: Arc::default(),
        }
    }
}

impl Outputs {
    /// The last samples that the speaker played.
    #[must_use]
    pub fn last_sound(&self, samples: usize) -> Vec<i16> {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).last(Instant::now(), samples)
    }

    fn take(&self, output: Output, body: Vec<u8>, meter: &mut Meter) {
        match output {
            Output::Screen => self.picture.send_modify(|picture| {
                picture.number += 1;
                picture.jpeg = body.into();
            }),
            Output::Sound => {
                self.recorder.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now(), &body);
                if let Some(loudness) = meter.push(&body) {
                    self.loudness.send_replace(loudness);
                }
                let _nobody_listens = self.sound.send(body.into());
            }
        }
    }

    /// Listens for media.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn listen(&self, run: &RunDir, media: User) -> io::Result<()> {
        let listener = peer::listen(&run.sim_outputs(), media)?;
        listener.set_nonblocking(true)?;
        let listener = UnixListener::from_std(listener)?;
        let outputs = self.clone();
        tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((socket, _)) if peer::is_user(&socket, media) => {
                        tokio::spawn(outputs.clone().receive(socket));
                    }
                    Ok(_) => tracing::warn!("somebody else than media connected to the screen and was refused"),
                    Err(error) => {
                        tracing::warn!(%error, "the screen's socket accepts nothing for a moment");
                        sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Ok(())
    }

    async fn receive(self, mut socket: UnixStream) {
        self.connected.send_modify(|connected| *connected += 1);
        if let Err(error) = self.receive_all(&mut socket).await {
            tracing::warn!(%error, "the screen's connection is closed");
        }
        self.loudness.send_replace(Loudness::SILENCE);
        self.connected.send_modify(|connected| *connected = connected.saturating_sub(1));
    }

    async fn receive_all(&self, socket: &mut UnixStream) -> Result<(), FrameError> {
        let (mut decoder, mut meter) = (Decoder::<Output>::default(), Meter::default());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let quiet = *self.loudness.borrow() == Loudness::SILENCE;
            let length = if quiet {
                socket.read(&mut buffer).await?
            } else if let Ok(length) = timeout(GAP, socket.read(&mut buffer)).await {
                length?
            } else {
                self.loudness.send_replace(Loudness::SILENCE);
                continue;
            };
            if length == 0 {
                return Ok(());
            }
            decoder.push(buffer.get_mut(..length).unwrap_or_default());
            while let Some(frame) = decoder.pull()? {
                self.take(frame.message, frame.body, &mut meter);
            }
        }
    }
}
