//! An allocator that overwrites what is given back (promise P6): names, PINs and what was typed pass through many
//! buffers of many libraries on their way, and all of them end here.

use std::alloc::{GlobalAlloc, Layout, System};

/// The system's allocator; memory that is freed is zero.
///
/// A buffer that grows always moves, since the system could leave the old one behind as it was.
#[derive(Clone, Copy, Debug)]
pub struct Wiping;

// SAFETY: all memory comes from `System` with the layout asked for, and goes back to it with the same layout.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a block of this layout, which is ours to write until `System` has it. The C
        // library's function is not optimised away before a free, as a plain write would be.
        unsafe {
            libc::explicit_bzero(pointer.cast(), layout.size());
            System.dealloc(pointer, layout);
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller guarantees that `new_size` with this alignment is a valid layout, that the block is of
        // `layout`, and that it is not used after a successful return; the new block does not overlap it.
        unsafe {
            let new = System.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(pointer, new, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p6_blocks_keep_their_content_when_they_grow_and_shrink() {
        let layout = Layout::from_size_align(16, 8).unwrap();
        // SAFETY: blocks are used within their sizes and given back once, with their own layout.
        unsafe {
            let block = Wiping.alloc_zeroed(layout);
            block.write_bytes(7, 16);
            let grown = Wiping.realloc(block, layout, 4096);
            assert_eq!(std::slice::from_raw_parts(grown, 16), [7; 16]);
            let layout = Layout::from_size_align(4096, 8).unwrap();
            let shrunk = Wiping.realloc(grown, layout, 4);
            assert_eq!(std::slice::from_raw_parts(shrunk, 4), [7; 4]);
            Wiping.dealloc(shrunk, Layout::from_size_align(4, 8).unwrap());
        }
    }
}
