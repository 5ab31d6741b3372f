//! Mapped files, and what happens when somebody cuts one under its reader.
//!
//! The kernel then kills the reader by SIGBUS; [`exit_on_cut_files`] turns that into exit code 2
//! with a message that names the file.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// A file's bytes, mapped read-only.
pub struct Map {
    map: memmap2::Mmap,
    slot: Option<usize>,
}

impl Map {
    pub(super) fn new(map: memmap2::Mmap, path: &Path) -> Self {
        let slot = register(map.as_ptr() as usize, map.len(), path);
        Self { map, slot }
    }
}

impl Map {
    /// Gives the memory of a range back to the system; reading it again brings it back. Keeps the
    /// memory of a reader independent of the log's length.
    pub fn release(&self, offset: usize, bytes: usize) {
        use memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: the map is shared and read-only: its pages hold nothing that the file does not.
        let released = unsafe { self.map.unchecked_advise_range(DontNeed, offset, bytes) };
        // Advice that is not taken costs memory, and nothing else.
        drop(released);
    }
}

impl Deref for Map {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            MAPPED[slot].first.store(0, Ordering::Release);
        }
    }
}

/// A mapped range and the message to print if its file is cut. Messages live for ever: a signal
/// handler may not race with a deallocation, and there are few maps.
struct Mapped {
    first: AtomicUsize,
    len: AtomicUsize,
    message: AtomicPtr<u8>,
    message_len: AtomicUsize,
}

const MAPPED_MAX: usize = 1024;
static MAPPED: [Mapped; MAPPED_MAX] = [const {
    Mapped {
        first: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        message: AtomicPtr::new(std::ptr::null_mut()),
        message_len: AtomicUsize::new(0),
    }
}; MAPPED_MAX];
static HANDLED: AtomicUsize = AtomicUsize::new(0);

fn register(first: usize, len: usize, path: &Path) -> Option<usize> {
    if HANDLED.load(Ordering::Acquire) == 0 {
        return None;
    }
    let text = format!("error: {} was cut while it was being read\n", path.display());
    for (slot, mapped) in MAPPED.iter().enumerate() {
        // Claim with a value that is no address, fill, then publish.
        if mapped.first.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            let message: &'static mut [u8] = text.into_bytes().leak();
            mapped.len.store(len, Ordering::Release);
            mapped.message_len.store(message.len(), Ordering::Release);
            mapped.message.store(message.as_mut_ptr(), Ordering::Release);
            mapped.first.store(first, Ordering::Release);
            return Some(slot);
        }
    }
    None
}

/// From now on, a file that is cut while it is mapped ends the process with exit code 2 and a
/// message that names the file, instead of a bare SIGBUS.
///
/// For programs, not for libraries: it takes over the process's SIGBUS. A SIGBUS of another origin
/// ends the process as before.
pub fn exit_on_cut_files() {
    // SAFETY: `sigaction` holds integers, a set and pointers, for which zero bytes are valid; the
    // handler has the signature that SA_SIGINFO asks for and calls only functions that are
    // safe in one.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            on_sigbus;
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO;
        if libc::sigaction(libc::SIGBUS, &raw const action, std::ptr::null_mut()) == 0 {
            HANDLED.store(1, Ordering::Release);
        }
    }
}

extern "C" fn on_sigbus(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    // SAFETY: the kernel hands a valid `siginfo_t` to an SA_SIGINFO handler; `write`, `_exit`,
    // `signal` and `raise` may be called from handlers; a message, once stored, is never freed.
    unsafe {
        let address = (*info).si_addr() as usize;
        for mapped in &MAPPED {
            let first = mapped.first.load(Ordering::Acquire);
            if first > 1 && address >= first && address - first < mapped.len.load(Ordering::Acquire)
            {
                let message = mapped.message.load(Ordering::Acquire);
                let len = mapped.message_len.load(Ordering::Acquire);
                libc::write(libc::STDERR_FILENO, message.cast(), len);
                libc::_exit(2);
            }
        }
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
