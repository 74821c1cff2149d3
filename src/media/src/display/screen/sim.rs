//! The simulated screen: a socket that takes JPEGs.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_video as gst_video;
use subrosa_messages::frame;
use subrosa_messages::outputs::Output;
use subrosa_process::run_dir::RunDir;

use super::super::DisplayError;
use super::super::jpeg::Jpeg;
use super::{Screen, ScreenError};
use crate::sound::speaker::connect;

/// A listener that takes nothing for this long is given up.
const STUCK: Duration = Duration::from_secs(3);

struct SimScreen {
    socket: UnixStream,
    jpeg: Jpeg,
    /// What the socket has not taken yet.
    rest: Vec<u8>,
    taken: Instant,
}

pub(super) fn open(run: &RunDir, info: &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError> {
    let socket = connect(run)?.ok_or(ScreenError::Stranger)?;
    Ok(Box::new(SimScreen { socket, jpeg: Jpeg::new(info)?, rest: Vec::new(), taken: Instant::now() }))
}

impl SimScreen {
    fn push(&mut self) -> Result<(), ScreenError> {
        while !self.rest.is_empty() {
            match self.socket.write(&self.rest) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(length) => {
                    self.rest.drain(..length);
                    self.taken = Instant::now();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.taken.elapsed() < STUCK => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Screen for SimScreen {
    fn show(&mut self, picture: gst::Buffer) -> Result<(), ScreenError> {
        let jpeg = self.jpeg.encode(picture)?;
        let jpeg = jpeg.map_readable().map_err(|_| DisplayError::Pipeline)?;
        self.rest = frame::encode(&Output::Screen, &jpeg).map_err(io::Error::other)?;
        self.taken = Instant::now();
        self.push()
    }

    fn is_busy(&self) -> bool {
        !self.rest.is_empty()
    }

    fn socket(&self) -> Option<BorrowedFd<'_>> {
        Some(self.socket.as_fd())
    }

    fn attend(&mut self) -> Result<(), ScreenError> {
        // It has nothing to say; what can be read is that it has gone.
        let mut bytes = [0; 64];
        match self.socket.read(&mut bytes) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Err(error) if !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Err(error.into());
            }
            _ => {}
        }
        self.push()
    }
}
