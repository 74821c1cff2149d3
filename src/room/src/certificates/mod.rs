//! The certificate that the page is served with: the operator's, or one of the device's own authority.
