//! GStreamer, as this process starts it.

use gstreamer as gst;

/// Why GStreamer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum PluginsError {
    /// It does not start.
    #[error("GStreamer does not start: install it with `make setup`")]
    Start(#[source] gst::glib::Error),
    /// The bandwidth estimator, which is linked in, could not be registered.
    #[error("the bandwidth estimator could not be registered: GStreamer 1.22 or newer is needed")]
    Estimator(#[source] gst::glib::BoolError),
    /// The blur, which is linked in, could not be registered.
    #[error("the background blur could not be registered: GStreamer 1.22 or newer is needed")]
    Blur(#[source] gst::glib::BoolError),
}

/// Starts GStreamer. To be called before any permit is asked for.
///
/// The plug-in `video4linux2` opens every `/dev/video*` once when it is loaded, to look for codecs. If that came
/// after a grant, it would use the grant up: the guard closes the mode behind the first open.
///
/// # Errors
/// When GStreamer cannot be used at all.
pub fn start() -> Result<(), PluginsError> {
    gst::init().map_err(PluginsError::Start)?;
    gstrsrtp::plugin_register_static().map_err(PluginsError::Estimator)?;
    gstsubrosablur::plugin_register_static().map_err(PluginsError::Blur)?;
    if gst::Plugin::load_by_name("video4linux2").is_err() {
        tracing::warn!("GStreamer has no plug-in video4linux2: V4L2 cameras and encoders cannot be used");
    }
    Ok(())
}

/// Keeps GStreamer's list of plug-ins in the state folder: the user of this process has no home. To be called first
/// of all, while there is one thread.
pub fn remember_in(state: &std::path::Path) {
    if std::env::var_os("GST_REGISTRY").is_none() {
        // SAFETY: no other thread exists yet that could read the environment.
        unsafe { std::env::set_var("GST_REGISTRY", state.join("gstreamer-registry.bin")) };
    }
}

/// Keeps what libcamera says of itself at each opening out of the journal, but for errors. To be called first of all, while
/// there is one thread.
pub fn quieten_libcamera() {
    if std::env::var_os("LIBCAMERA_LOG_LEVELS").is_none() {
        // SAFETY: no other thread exists yet that could read the environment.
        unsafe { std::env::set_var("LIBCAMERA_LOG_LEVELS", "*:ERROR") };
    }
}

/// Makes `v4l2src` close its node whole (P3). To be called first of all, while there is one thread.
///
/// Where a driver lets buffers outlive their queue, `v4l2src` of GStreamer 1.22 leaves its pool behind as an orphan at the
/// end, and the pool has a second descriptor of the node, which was never closed again: the guard saw a camera that is
/// open and killed this process at each close of the shutter (290 ms; 5 to 22 ms with this, vivid, Linux 6.12). The
/// variable makes it drain the pool instead (`gst_v4l2_buffer_pool_orphan` in gst-plugins-good's `gstv4l2bufferpool.c`).
pub fn close_cameras_whole() {
    // SAFETY: no other thread exists yet that could read the environment.
    unsafe { std::env::set_var("GST_V4L2_FORCE_DRAIN", "1") };
}
