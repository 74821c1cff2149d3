//! HTTPS: the page of the guests, its signalling, the status page.
