//! libnice gathers no loopback address by itself; a test on one machine without a network of its own needs one.

use std::ffi::{CStr, c_char, c_int, c_void};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

/// Adds 127.0.0.1 to the addresses of a webrtcbin's ICE agent. Before descriptions are set.
pub(crate) fn allow(webrtc: &gst::Element) {
    type Init = unsafe extern "C" fn(*mut c_void);
    type Set = unsafe extern "C" fn(*mut c_void, *const c_char) -> c_int;
    type Add = unsafe extern "C" fn(*mut c_void, *mut c_void) -> c_int;
    let Some(ice) = webrtc.property::<Option<glib::Object>>("ice-agent") else { return };
    let Some(agent) = ice.property::<Option<glib::Object>>("agent") else { return };
    // SAFETY: the library is the one that webrtcbin uses, the functions have these types in all its versions, and a
    // NiceAddress is a union of socket addresses, for which 128 bytes are enough.
    unsafe {
        let library = libc::dlopen(c"libnice.so.10".as_ptr(), libc::RTLD_NOW);
        let find =
            |name: &CStr| if library.is_null() { std::ptr::null_mut() } else { libc::dlsym(library, name.as_ptr()) };
        let (init, set, add) =
            (find(c"nice_address_init"), find(c"nice_address_set_from_string"), find(c"nice_agent_add_local_address"));
        if init.is_null() || set.is_null() || add.is_null() {
            return;
        }
        let mut address = [0_u64; 16];
        let address = address.as_mut_ptr().cast::<c_void>();
        std::mem::transmute::<*mut c_void, Init>(init)(address);
        std::mem::transmute::<*mut c_void, Set>(set)(address, c"127.0.0.1".as_ptr());
        std::mem::transmute::<*mut c_void, Add>(add)(agent.as_ptr().cast(), address);
    }
}
